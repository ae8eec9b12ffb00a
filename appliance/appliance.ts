/** Wires the rooms into one running appliance, from a configuration and its drivers. */
import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startApi } from '#api/http/server.ts';
import type { SamAccess } from '#broker/sam-access.ts';
import type { SamSlot } from '#broker/sam-power.ts';
import type { CardReader } from '#card/channel.ts';
import { loadPhotoDecoder } from '#card/face/photo.ts';
import type { Config } from '#config/schema.ts';
import { toSekishoError } from '#contract/errors.ts';
import { SupervisedReader } from '#drivers/supervision/index.ts';
import type { Gateway } from '#gateway/face.ts';
import { makeGateway, type RunningGateway } from '#gateway/gateway.ts';
import type { Life } from '#gateway/parts.ts';
import type { SelfCheck } from '#liveness/heartbeat.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Panel } from '#ports/panel.ts';
import type { Random } from '#ports/random.ts';
import { openSealedStore, type Store } from '#store/store.ts';
import { startSyncWorker } from '#sync/worker.ts';
import { makeTrust } from '#trust/x509.ts';
import { openCentre } from '#upstream/centre.ts';
import { keepLease, networkOf, type RunningLease, readAnchorKey } from './open-lease.ts';
import { openSamAccess } from './open-sam.ts';
import { signalTapEnds } from './tap-signals.ts';
import { trustOptions } from './trust-options.ts';
import { VERSION } from './version.ts';

export interface ApplianceParts {
  readonly config: Config;
  readonly reader: CardReader;
  /** Restarts the reader on its bus when it does not come back by itself; resolves with whether that was done. */
  readonly restartReader?: (() => Promise<boolean>) | undefined;
  /** Absent when a broker in a process of its own holds the SAM. */
  readonly samSlot?: SamSlot | undefined;
  /** The keys on the box, where there are any. */
  readonly panel?: Panel | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Who is told whom this process knows, and ends it. Absent: it outlives its locks. */
  readonly life?: Life | undefined;
  /** The built counter page. */
  readonly uiFolder?: string | undefined;
}

export interface RunningAppliance {
  readonly url: string;
  readonly gateway: RunningGateway;
  readonly databasePath: string;
  /** What must work for as long as this process is worth keeping. */
  readonly selfChecks: readonly SelfCheck[];
  /** Requests that are under way get an answer within `graceMs`, and what happened before is written. */
  close(graceMs?: number): Promise<void>;
}

/** How often what is open is tried again by itself. */
const RECONCILE_EVERY_MS = 60_000;

/** Of a panel that no configuration names, which is one for development. */
const PIN_ENTRY_MS = 60_000;

export const DATABASE_FILE = 'appliance.sqlite';

/** Starts everything; resolves when the API listens. Rejects with the first thing that cannot be. */
export async function startAppliance(parts: ApplianceParts): Promise<RunningAppliance> {
  const { config, clock, random, logger } = parts;
  await mkdir(config.store.folder, { recursive: true, mode: 0o700 });
  const databasePath = join(config.store.folder, DATABASE_FILE);
  const store = openSealedStore(databasePath);
  const samAccess = openSamAccess(config, parts.samSlot, {
    clock,
    random,
    logger: logger.child({ room: 'broker' }),
  });
  const reader = new SupervisedReader(parts.reader, {
    clock,
    logger: logger.child({ room: 'reader' }),
    restart: parts.restartReader,
    onChange: (state) => gateway.readerChanged(state),
  });
  const anchorKey = readAnchorKey(config.network);
  let lease: RunningLease | undefined;
  const pinned = trustOptions(config);
  const trust = makeTrust(pinned);
  const stop = new AbortController();
  const centre = openCentre({
    urls: {
      serviceProvider: config.centre.serviceProviderUrl,
      eligibility: config.centre.eligibilityUrl,
      history: config.centre.historyUrl,
      ocsp: config.centre.ocspUrl,
      crls: config.centre.crlUrls,
      timeStamps: config.centre.timeStampUrl,
    },
    credentials: {
      authority: readFileSync(config.centre.caPath, 'utf8'),
      key: readFileSync(config.centre.clientKeyPath, 'utf8'),
      certificate: readFileSync(config.centre.clientCertificatePath, 'utf8'),
    },
    timeStampAuthorities: pinned.authorities['time-stamping'],
    cardAuthorities: [pinned.authorities['jpki-authentication'], pinned.authorities['hpki-authentication']],
    signer: samAccess,
    clock,
    random,
    logger: logger.child({ room: 'upstream' }),
    deadlines: { eligibilityMs: config.centre.timeoutMs, serviceProviderMs: config.centre.timeoutMs },
    onHealthChange: () => gateway.refresh(),
    onOrders: () => gateway.ordersWait(),
  });
  const gateway: RunningGateway = makeGateway({
    clock,
    random,
    logger: logger.child({ room: 'gateway' }),
    reader,
    readerHealth: () => reader.health(),
    panel: parts.panel && { panel: parts.panel, pinEntryMs: config.panel?.pinEntryMs ?? PIN_ENTRY_MS },
    samAccess,
    centre,
    trust,
    cardFaceRoot: createPublicKey(readFileSync(config.trust.cardFaceRootPath)),
    cardTextRoot:
      config.trust.cardTextRootPath === undefined
        ? undefined
        : createPublicKey(readFileSync(config.trust.cardTextRootPath)),
    showsCardPhoto: config.faceCheck.cardPhoto,
    ledger: store.ledger,
    accessLog: store.accessLog,
    queries: store.visits,
    vault: store.vault,
    roster: store.roster,
    personUses: store.personUses,
    signInFailures: store.signInFailures,
    limits: config.limits,
    clinicName: { ja: config.texts.clinicNameJa, en: config.texts.clinicNameEn },
    ...networkOf(anchorKey),
    leaseStatus: () => lease?.status(),
    version: VERSION,
    life: parts.life,
  });
  const sync = startSyncWorker({
    outbox: store.outbox,
    history: centre.history,
    clock,
    random,
    logger: logger.child({ room: 'sync' }),
    onAttempt: () => gateway.refresh(),
  });
  // What waits can be read only while the SAM is unlocked.
  let [waiting, wasUnlocked] = [0, false];
  const stopWaking = gateway.subscribe(({ outboxWaiting, facts }) => {
    const isUnlocked = facts.sam === 'unlocked';
    if (outboxWaiting > waiting || (isUnlocked && !wasUnlocked)) sync.wake();
    [waiting, wasUnlocked] = [outboxWaiting, isUnlocked];
  });
  const api = await startApi({
    gateway,
    listen: config.listen,
    tls: { key: readFileSync(config.tls.keyPath), cert: readFileSync(config.tls.certificatePath) },
    limits: config.http,
    uiFolder: parts.uiFolder,
    version: VERSION,
    clock,
    random,
    logger: logger.child({ room: 'api' }),
  });
  const stopSignalling = signalTapEnds(gateway, reader);
  // Side by side: each starts a process that takes its time.
  await Promise.all([
    gateway.start(AbortSignal.any([stop.signal, AbortSignal.timeout(20_000)])),
    reader.start(),
  ]);
  const stopKeeping = await keepForAuditors(store, samAccess, gateway);
  await centre.warm();
  lease = await keepLease({
    network: config.network,
    verifier: samAccess.lease,
    clock,
    logger: logger.child({ room: 'lease' }),
    lastLock: store.visits.lastSamLock(),
    tell: (fact, because) => gateway.networkChanged(fact, because),
    tampered: () => samAccess.permit.end('tampered'),
  });
  // Screens that came meanwhile learn of the lease, and why the last one ended.
  gateway.refresh();
  // After everything that a clinic waits for: the first photo comes with the first card.
  loadPhotoDecoder().catch((thrown: unknown) => {
    logger.warn('photo.decoder-missing', { error: toSekishoError(thrown) });
  });
  const reconciling = repeat(clock, stop.signal, RECONCILE_EVERY_MS, () => gateway.reconcileNow());
  let closing: Promise<void> | undefined;
  const close = async (graceMs?: number): Promise<void> => {
    stop.abort();
    stopWaking();
    stopSignalling();
    stopKeeping();
    // What a lock brought about is written with the SAM's stamp, as long as there is one.
    await Promise.all([lease?.close(), api.close(graceMs), gateway.settled()]);
    await gateway.close();
    await Promise.all([sync.stop(), reconciling]);
    await Promise.all([centre.close(), reader.close(), parts.panel?.close()]);
    await store.close();
  };
  return {
    url: api.url,
    gateway,
    databasePath,
    selfChecks: [
      { name: 'store', run: () => store.probe() },
      { name: 'lease', run: () => lease?.requireHeld(gateway.snapshot().facts.network) },
    ],
    close: (graceMs) => (closing ??= close(graceMs)),
  };
}

/**
 * The export must carry what an auditor verifies tick stamps with: the certificate of every SAM that was ever in the
 * slot, now or later. Answers how to stop.
 */
async function keepForAuditors(store: Store, samAccess: SamAccess, gateway: Gateway): Promise<() => void> {
  let keptFor: string | undefined;
  const keep = async (): Promise<void> => {
    const samId = samAccess.current?.samId;
    if (samId === undefined || samId === keptFor) return;
    keptFor = samId;
    try {
      store.certificates.keep('sam-device', await samAccess.deviceCertificate());
    } catch {
      // It left again; it is asked when it is back.
      keptFor = undefined;
    }
  };
  await keep();
  return gateway.subscribe(() => void keep());
}

async function repeat(
  clock: Clock,
  signal: AbortSignal,
  everyMs: number,
  work: () => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(everyMs, signal).catch(() => undefined);
    if (!signal.aborted) await work().catch(() => undefined);
  }
}
