/** A whole gateway on simulated cards, SAM and centre, with a real store and real certificates. */
import { createPublicKey } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import type { SamAccess } from '#broker/sam-access.ts';
import { ScriptedAnchor } from '#broker/testing/scripted-anchor.ts';
import { CLINIC } from '#clinic/identity.ts';
import { SekishoError } from '#contract/errors.ts';
import type { TapProgress } from '#contract/snapshot.ts';
import type { FaceCheck, TapResult } from '#contract/visit.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { testFaceRoot, testTextRoot } from '#drivers/simulated/issue/card-signer.ts';
import { readPerson } from '#drivers/simulated/people.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import type { SamState } from '#drivers/simulated/sam/state.ts';
import type { Meter, TimingProfile } from '#drivers/simulated/timing.ts';
import type { EvidenceLedger } from '#evidence/ledger.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import type { Clock } from '#ports/clock.ts';
import type { LogFields, Logger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { openSealedStore, type SealedStore } from '#store/store.ts';
import type { Caller, SignInRequest, StartTapRequest } from '../face.ts';
import { makeGateway, type RunningGateway } from '../gateway.ts';
import type { GatewayLimits, GatewayParts } from '../parts.ts';
import { type BenchBroker, openBenchBroker } from './bench-broker.ts';
import { START_MS, type TestRegion, testRegion } from './region.ts';
import { ScriptedCentre } from './scripted-centre.ts';
import { WatchedCard } from './watched-card.ts';

export const TEST_LIMITS: GatewayLimits = {
  operatorIdleMs: 900_000,
  operatorAbsoluteMs: 8 * 3_600_000,
  operatorFailures: 3,
  operatorLockOutMs: 300_000,
  consentTimeoutMs: 120_000,
  cardWaitMs: 30_000,
  cardAnswerMs: 3_000,
  tapTimeoutMs: 110_000,
  faceCheckTimeoutMs: 180_000,
  tapsPerCardPerDay: 20,
};

export interface GatewayBenchOptions {
  readonly limits?: Partial<GatewayLimits>;
  readonly samState?: SamState;
  readonly timing?: TimingProfile;
  readonly meter?: Meter;
  /** Default: a virtual one. */
  readonly clock?: Clock;
  /** Runs before `start`. */
  readonly script?: (centre: ScriptedCentre) => void;
  /** The database of a run before, which may still be open: this one starts with what had been written by then. */
  readonly startsFrom?: string;
  /** Default: found, registered and unlocked online. */
  readonly isStarted?: boolean;
  /** Wraps or replaces parts. */
  readonly change?: (parts: GatewayParts) => GatewayParts;
  /** The broker believes an anchor alone. */
  readonly hasAnchor?: boolean;
}

export interface TapWish {
  readonly numberB?: string | undefined;
  /** Of the text application. */
  readonly pin?: string | undefined;
  readonly includeLimitInfo?: boolean;
  readonly faceCheck?: FaceCheck;
}

export const MATCH: FaceCheck = { method: 'printed-photo', result: 'match' };
const INS_ORGANISATION_KEY = 0x2a;

export function digits(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'ascii'));
}

export class GatewayBench {
  readonly region: TestRegion;
  readonly clock: VirtualClock;
  readonly centre: ScriptedCentre;
  readonly reader: SimulatedReader;
  readonly samSlot: SimulatedReader;
  readonly broker: BenchBroker;
  /** Where the broker wants to see the place proven. */
  readonly anchor: ScriptedAnchor | undefined;
  readonly samAccess: SamAccess;
  readonly simulatedSam: SimulatedSam;
  readonly sam: WatchedCard;
  readonly store: SealedStore;
  readonly gateway: RunningGateway;
  readonly databasePath: string;
  readonly logLines: string[] = [];
  /** What was handed to the ledger, in this order. */
  readonly records: EvidenceRecord[] = [];
  /** Makes the ledger refuse a record, as a full disk does. */
  refusesRecord: (record: EvidenceRecord) => boolean = () => false;
  /** Uses of the organisation key that nobody allowed: `close` throws when there is one. */
  readonly violations: string[] = [];
  readonly #folder: string;

  constructor(region: TestRegion, options: GatewayBenchOptions) {
    this.region = region;
    this.clock = new VirtualClock(START_MS);
    const clock = options.clock ?? this.clock;
    const line = { clock, timing: options.timing, meter: options.meter };
    const devices = Object.fromEntries(Object.entries(line).filter(([, value]) => value !== undefined));
    this.#folder = mkdtempSync(join(tmpdir(), 'sekisho-gateway-'));
    this.databasePath = join(this.#folder, 'appliance.sqlite');
    for (const part of options.startsFrom === undefined ? [] : ['', '-wal']) {
      const from = `${options.startsFrom}${part}`;
      if (existsSync(from)) copyFileSync(from, `${this.databasePath}${part}`);
    }
    this.centre = new ScriptedCentre(region.pki, clock, region.operators);
    this.reader = new SimulatedReader({ name: 'reader', ...devices });
    this.samSlot = new SimulatedReader({ name: 'sam-slot', ...devices });
    this.simulatedSam = new SimulatedSam({
      state: options.samState ?? structuredClone(region.samState),
      clock,
    });
    this.sam = new WatchedCard(this.simulatedSam);
    this.sam.onCommand = ({ ins }) => {
      if (ins === INS_ORGANISATION_KEY) this.#judgeOrganisationKey();
    };
    this.samSlot.insert(this.sam);
    this.anchor = options.hasAnchor === true ? new ScriptedAnchor() : undefined;
    this.broker = openBenchBroker(this.samSlot, region, clock, TEST_LIMITS, this.anchor?.publicKey);
    this.samAccess = this.broker.samAccess;
    this.store = openSealedStore(this.databasePath);
    const parts: GatewayParts = {
      clock,
      random: systemRandom,
      logger: this.#logger(),
      reader: this.reader,
      readerHealth: () => ({
        since: new Date(START_MS).toISOString(),
        faults: [],
        recoveries: 0,
        restarts: 0,
        cardsSeen: 0,
        discardedBytes: 0,
      }),
      samAccess: this.samAccess,
      centre: this.centre,
      trust: region.trust,
      cardFaceRoot: createPublicKey(testFaceRoot()),
      cardTextRoot: createPublicKey(testTextRoot()),
      showsCardPhoto: true,
      ledger: this.#ledger(),
      accessLog: this.store.accessLog,
      queries: this.store.visits,
      vault: this.store.vault,
      roster: this.store.roster,
      personUses: this.store.personUses,
      signInFailures: this.store.signInFailures,
      limits: { ...TEST_LIMITS, ...options.limits },
      clinicName: { ja: CLINIC.nameJa, en: CLINIC.nameEn },
      networkId: this.anchor?.networkId ?? '000102030405060708090a0b0c0d0e0f',
      anchorKeySha256: '000102030405060708090a0b0c0d0e0f'.repeat(2),
      version: '0.0.0-test',
    };
    this.gateway = makeGateway(options.change?.(parts) ?? parts);
  }

  async start(): Promise<void> {
    await this.gateway.start(new AbortController().signal);
    this.gateway.readerChanged('ready');
    this.store.certificates.keep('sam-device', await this.samAccess.deviceCertificate());
    await this.arrive();
  }

  /** The anchor answers, and the gateway is told what came of it. */
  async arrive(): Promise<void> {
    for (let verdict = 'ignored'; this.anchor !== undefined && verdict === 'ignored'; ) {
      const { lease } = this.samAccess;
      const question = Buffer.from(await lease.question()).toString('hex');
      ({ verdict } = await lease.answer(Buffer.from(this.anchor.answer(question), 'hex')));
    }
    await this.gateway.networkChanged('registered');
  }

  /** The cable is out. */
  async leave(to: 'foreign' | 'absent' = 'absent'): Promise<void> {
    await this.gateway.networkChanged(to, 'link-down');
  }

  card(personId: string, image?: CardImage): WatchedCard {
    const given = image ?? this.region.wallet.get(personId)?.image;
    if (given === undefined) throw new RangeError(`no card: ${personId}`);
    return new WatchedCard(new SimulatedCard(given, { clock: this.clock }));
  }

  /** Runs `work` with this card on the reader, and nothing after. */
  async withCard<T>(card: WatchedCard, work: () => Promise<T>): Promise<T> {
    this.reader.insert(card);
    try {
      return await work();
    } finally {
      this.reader.remove();
    }
  }

  request(personId = 'kakuu-ishi', more: Partial<SignInRequest> = {}): SignInRequest {
    const { variant, pin } = readPerson(personId);
    return {
      cardKind: variant === 'hpki' ? 'hpki' : 'my-number',
      pin: digits(pin),
      screen: 'counter',
      client: 'counter-browser',
      acceptLastTry: false,
      ...more,
    };
  }

  async signIn(personId = 'kakuu-ishi'): Promise<Caller> {
    const request = this.request(personId);
    const { operator } = await this.withCard(this.card(personId), () => this.gateway.signIn(request));
    return { operatorId: operator.operatorId, screen: request.screen };
  }

  startTap(caller: Caller, wish: TapWish = {}): ReturnType<RunningGateway['startTap']> {
    const request: StartTapRequest = {
      purpose: 'insurance-eligibility',
      includeLimitInfo: wish.includeLimitInfo ?? false,
      verificationNumberB: wish.numberB === undefined ? undefined : digits(wish.numberB),
      attributesPin: wish.pin === undefined ? undefined : digits(wish.pin),
    };
    return this.gateway.startTap(caller, request);
  }

  /** Until the tap waits for the clerk or is over. The card stays where it is. */
  async readCard(caller: Caller, wish: TapWish = {}): Promise<TapProgress> {
    const { tapId } = await this.startTap(caller, wish);
    await this.gateway.decideConsent(caller, tapId, 'ok', 'screen');
    return this.gateway.waitForTap(tapId, new AbortController().signal);
  }

  /** A whole tap; its visit, accepted or not. Undefined when nothing was recorded. */
  async tap(caller: Caller, card: WatchedCard, wish: TapWish = {}): Promise<TapResult | undefined> {
    return this.withCard(card, async () => {
      const { tapId, state } = await this.readCard(caller, wish);
      if (state === 'faceCheck') {
        return this.gateway.recordFaceCheck(caller, tapId, wish.faceCheck ?? MATCH);
      }
      return this.gateway.tapVisit(tapId);
    });
  }

  untilSnapshot(
    isWanted: (snapshot: ReturnType<RunningGateway['snapshot']>) => boolean,
  ): Promise<ReturnType<RunningGateway['snapshot']>> {
    return new Promise((resolve) => {
      const check = (): boolean => {
        const snapshot = this.gateway.snapshot();
        if (isWanted(snapshot)) resolve(snapshot);
        return isWanted(snapshot);
      };
      if (check()) return;
      const stop = this.gateway.subscribe(
        () => {
          if (check()) stop();
        },
        { steps: true },
      );
    });
  }

  get organisationKeyUses(): number {
    return this.simulatedSam.state.useCounter;
  }

  async close(): Promise<void> {
    await this.gateway.close();
    await this.store.close();
    rmSync(this.#folder, { recursive: true });
    if (this.violations.length > 0) throw new Error(this.violations.join('\n'));
    if (this.centre.badProofs.length > 0) throw new Error(this.centre.badProofs.join('\n'));
    if (!this.clock.isQuiet) throw new Error(`timers are left behind: ${this.clock.sleeping.join(', ')}`);
    if (this.sam.isPowered) throw new Error('the SAM is still powered');
  }

  /** Asked at the very moment when the SAM sees the command. */
  #judgeOrganisationKey(): void {
    const { facts, tap } = this.gateway.snapshot();
    const isAllowed =
      facts.sam === 'unlocked' &&
      (facts.network === 'registered' || facts.permit === 'carryOut') &&
      facts.operator !== undefined &&
      tap?.state === 'reading';
    if (!isAllowed) this.violations.push(`organisation key used with ${inspect({ facts, tap })}`);
  }

  #ledger(): EvidenceLedger {
    const { ledger } = this.store;
    return {
      head: () => ledger.head(),
      append: (record, options) => {
        if (this.refusesRecord(record)) return Promise.reject(new SekishoError('store.full'));
        this.records.push(record);
        return ledger.append(record, options);
      },
    };
  }

  #logger(): Logger {
    const write = (event: string, fields: LogFields = {}): void => {
      this.logLines.push(`${event} ${inspect(describe(fields), { depth: 12 })}`);
    };
    const logger: Logger = { debug: write, info: write, warn: write, error: write, child: () => logger };
    return logger;
  }
}

/** Errors as far down as they go: what a careless log would print. */
function describe(value: unknown): unknown {
  if (value instanceof SekishoError) {
    const { code, context, field, cause, message, stack } = value;
    return { code, context, field, message, stack, cause: describe(cause) };
  }
  if (value === null || typeof value !== 'object' || value instanceof Error) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, describe(each)]));
}

export async function openGatewayBench(options: GatewayBenchOptions = {}): Promise<GatewayBench> {
  const bench = new GatewayBench(await testRegion(), options);
  options.script?.(bench.centre);
  if (options.isStarted !== false) await bench.start();
  return bench;
}
