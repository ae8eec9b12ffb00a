/**
 * The power fails at random points of 200 visits: the appliance, a process of its own, is killed without warning and
 * started again. Nothing that was acknowledged is lost, the chain is whole, the SAM is locked, every visit arrives once.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ConfigFile } from '#config/schema.ts';
import type { Visit } from '#contract/visit.ts';
import { exportEvidence } from '#store/export.ts';
import { installAppliance } from './appliance-config.ts';
import { clinicCa, type Surroundings, startSurroundings } from './clinic.ts';
import { CounterClient, CounterRefusal } from './counter-client.ts';
import { verifyEvidence } from './evidence/verification.ts';
import { isPrivatePcscdAvailable, type ReaderKind } from './readers.ts';
import { databaseFile } from './state-folder.ts';
import { makeVisit } from './tap-run.ts';
import { ApplianceProcess, buildPrograms } from './testing/appliance-process.ts';
import { simulatedDrivers } from './testing/simulated-drivers.ts';

/** A clerk who is received as a patient too: one card lies on the reader for the whole test. */
const CLERK = 'kakuu-jimu';
const SEED = 20_261_121;

/** mulberry32: the same kills each time. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** The `reader` and `sam` sections for a process that cannot share our slots: files, or the private pcscd. */
async function driversOf(
  surroundings: Surroundings,
  folder: string,
): Promise<Pick<ConfigFile, 'reader' | 'sam'>> {
  if (surroundings.readers.kind === 'pcsc') {
    await surroundings.control.run(`insert ${CLERK}`);
    return surroundings.readers.config;
  }
  return simulatedDrivers(surroundings, folder, CLERK);
}

interface EvidenceEntry {
  readonly kind: string;
  readonly visitId?: string;
  readonly outcome?: string;
}

class CrashingClinic {
  readonly folder = mkdtempSync(join(tmpdir(), 'sekisho-crash-'));
  readonly acknowledged: Visit[] = [];
  restarts = 0;
  #surroundings: Surroundings | undefined;
  #configFile = '';
  #process: ApplianceProcess | undefined;
  #client: CounterClient | undefined;

  get surroundings(): Surroundings {
    if (this.#surroundings === undefined) throw new Error('not open');
    return this.#surroundings;
  }

  get client(): CounterClient {
    if (this.#client === undefined) throw new Error('not started');
    return this.#client;
  }

  async open(reader: ReaderKind): Promise<void> {
    const options = { stateFolder: this.folder, reader, timing: 'zero' } as const;
    this.#surroundings = await startSurroundings(options);
    this.#configFile = installAppliance({
      stateFolder: this.folder,
      centre: this.surroundings.centre,
      anchor: this.surroundings.anchor,
      port: 0,
      ...(await driversOf(this.surroundings, this.folder)),
      limits: { tapsPerCardPerDay: 1_000, usesPerMinute: 100_000, usesPerDay: 1_000_000 },
      http: { requestsPerSecond: 10_000 },
    }).configFile;
  }

  async start(): Promise<void> {
    this.#process = await ApplianceProcess.start(this.#configFile);
    this.#client = new CounterClient(this.#process.url, clinicCa(this.surroundings));
    this.restarts += 1;
  }

  async kill(): Promise<void> {
    await this.#process?.kill();
    this.#client?.close();
  }

  signIn(): Promise<void> {
    return this.client.signIn('my-number', this.surroundings.wallet.get(CLERK)?.person.pin ?? '');
  }

  /** Visits one after another until `count` are acknowledged, or the appliance dies. */
  async receive(count: number): Promise<void> {
    for (const end = this.acknowledged.length + count; this.acknowledged.length < end; ) {
      const { visit, outcome, error } = await makeVisit(this.surroundings, this.client);
      if (outcome !== 'accepted' || visit === undefined) throw new Error(`not accepted: ${error}`);
      this.acknowledged.push(visit);
    }
  }

  /** The entries, in order, of evidence that verifies. */
  async evidence(): Promise<EvidenceEntry[]> {
    const file = join(this.folder, 'evidence.txt');
    exportEvidence(databaseFile(this.folder), file);
    const { samDevice, timeStampRoot } = this.surroundings.centre.trustFiles;
    const report = await verifyEvidence(file, {
      deviceCaPem: readFileSync(samDevice, 'utf8'),
      timeStampCaPem: readFileSync(timeStampRoot, 'utf8'),
    });
    const { ok, firstProblem, visitsUnstamped } = report;
    expect({ ok, firstProblem, visitsUnstamped }).toEqual({
      ok: true,
      firstProblem: undefined,
      visitsUnstamped: 0,
    });
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('E '))
      .map((line) => (JSON.parse(line.slice(67)) as { record: EvidenceEntry }).record);
  }

  async close(): Promise<void> {
    await this.kill();
    await this.#surroundings?.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

let clinic: CrashingClinic;
beforeAll(buildPrograms);
afterEach(() => clinic.close());

/** A killed server cuts its lines: that is no refusal. */
function isCutOff(thrown: unknown): boolean {
  return thrown instanceof Error && !(thrown instanceof CounterRefusal) && 'code' in thrown;
}

/** Runs until the random moment: some visits, and a few milliseconds into the next. */
async function receiveUntilKilled(visits: number, furtherMs: number): Promise<void> {
  await clinic.receive(visits);
  const next = clinic.receive(Number.MAX_SAFE_INTEGER).catch((thrown: unknown) => {
    if (!isCutOff(thrown)) throw thrown;
  });
  await sleep(furtherMs);
  await clinic.kill();
  await next;
}

/** Started again it is locked, whatever it was: by the SP’s silence it stays so until a card opens it. */
async function restart(isCentreSilent: boolean): Promise<void> {
  const { serviceProvider } = clinic.surroundings.centre.faults;
  if (isCentreSilent) serviceProvider.set({ down: true });
  await clinic.start();
  const { facts } = await clinic.client.snapshot();
  if (isCentreSilent) expect(facts).toMatchObject({ sam: 'locked', samUnlock: 'none', samUsesLeft: 0 });
  await clinic.signIn();
  const unlocked = isCentreSilent ? 'offline' : 'online';
  expect((await clinic.client.snapshot()).facts).toMatchObject({ sam: 'unlocked', samUnlock: unlocked });
  serviceProvider.clear();
}

/** No visit stands between a start and the unlock that follows it. */
function expectUnlockAfterEachStart(entries: readonly EvidenceEntry[]): void {
  let isUnlocked = false;
  for (const { kind } of entries) {
    if (kind === 'started') isUnlocked = false;
    if (kind === 'sam-unlocked') isUnlocked = true;
    if (kind === 'visit') expect(isUnlocked).toBe(true);
  }
}

async function expectEverythingArrived(entries: readonly EvidenceEntry[]): Promise<void> {
  const { visits } = clinic.surroundings.centre;
  const recorded = entries.filter(({ kind, outcome }) => kind === 'visit' && outcome === 'accepted');
  expect(visits.counts().visits).toBe(recorded.length);
  expect(new Set(recorded.map(({ visitId }) => visitId)).size).toBe(recorded.length);
  for (const { visitId, evidence } of clinic.acknowledged) {
    expect(await clinic.client.visit(visitId)).toMatchObject({ visitId, evidence, visitRecord: 'delivered' });
    expect(visits.find(visitId)?.record.evidence).toEqual(evidence);
  }
}

async function survive(reader: ReaderKind, visits: number, kills: number): Promise<void> {
  const random = randomFrom(SEED);
  clinic = new CrashingClinic();
  await clinic.open(reader);
  await clinic.start();
  await clinic.signIn();
  for (let killed = 0; killed < kills; killed += 1) {
    await receiveUntilKilled(random((2 * visits) / kills), random(60));
    await restart(killed % 3 === 2);
  }
  await clinic.receive(Math.max(1, visits - clinic.acknowledged.length));
  await vi.waitFor(async () => expect((await clinic.client.snapshot()).outboxWaiting).toBe(0), {
    timeout: 30_000,
    interval: 50,
  });
  expect(clinic.acknowledged.length).toBeGreaterThanOrEqual(visits);
  expect(clinic.restarts).toBe(kills + 1);
  const entries = await clinic.evidence();
  expect(entries.filter(({ kind }) => kind === 'started')).toHaveLength(kills + 1);
  expectUnlockAfterEachStart(entries);
  await expectEverythingArrived(entries);
}

describe('kill -9 at random points', () => {
  it(
    'of 200 visits: nothing acknowledged is lost, everything arrives once',
    () => survive('inprocess', 200, 15),
    240_000,
  );

  it.runIf(isPrivatePcscdAvailable())(
    'of 30 visits with card and SAM behind a pcscd that lives on: the SAM does not stay open',
    () => survive('pcsc', 30, 5),
    240_000,
  );
});
