/**
 * How long a real chip and its interface take, as data, and the pacing that makes a simulated one take as long.
 *
 * The meter tells a benchmark what each command should have cost; the pacer makes it cost that, without late drift.
 */
import type { Clock } from '#ports/clock.ts';
import type { Operation, VirtualCard } from './virtual-card.ts';

export interface LinkTiming {
  /** One character on the line. */
  readonly byteMs: number;
  /** Payload of one block; longer APDUs are chained. */
  readonly blockPayloadBytes: number;
  /** Header and checksum of one block. */
  readonly blockOverheadBytes: number;
  /** What a frame costs besides its characters: start and end of frame, and the wait before the other side answers. */
  readonly frameMs: number;
}

export interface DeviceTiming {
  readonly link: LinkTiming;
  readonly operationMs: Readonly<Record<Operation, number>>;
}

export interface TimingProfile {
  readonly name: string;
  readonly card: DeviceTiming;
  readonly sam: DeviceTiming;
}

/**
 * ISO 14443 type B at 106 kbit/s: 1 etu = 128/fc = 9.44 µs, ten etu a character; FSC 256 less PCB and CRC.
 * Start of frame 12.5 etu, end 10.5 etu, TR0 + TR1 at least 144/fs = 0.17 ms.
 * @see ISO 14443-3 §7.1, §7.10; ISO 14443-4 §7.1
 */
const TYPE_B_106: LinkTiming = {
  byteMs: 0.0944,
  blockPayloadBytes: 253,
  blockOverheadBytes: 3,
  frameMs: 0.39,
};

/**
 * T=1 at F/D = 512/16 (TA1 95) and 4.8 MHz: 1 etu = 6.67 µs, twelve etu a character; IFS 254, LRC.
 * @see ISO 7816-3 §11
 */
const T1_TA1_95: LinkTiming = { byteMs: 0.08, blockPayloadBytes: 254, blockOverheadBytes: 4, frameMs: 0.15 };

/**
 * Times of a My Number class card in a field. RSA-2048: the project's planning figures (350 ms private, 40 ms public).
 * The rest is assumed from the same class of chip.
 */
const CARD_OPERATIONS: DeviceTiming['operationMs'] = {
  command: 2,
  random: 3,
  symmetric: 3,
  'nonvolatile-write': 6,
  'rsa-2048-private': 350,
  'rsa-2048-public': 40,
  'p-256-generate': 120,
  'p-256-agree': 80,
  'p-256-sign': 80,
  'p-256-verify': 90,
  'p-384-sign': 140,
  'p-384-verify': 150,
};

/**
 * Times of a contact Java Card. Scalar multiplication measured on a JCOP 4 P71 is 20 ms for P-256 and 31 ms for P-384,
 * an AES key set-up 6 ms (JCAlgTest, J3R180, 2021); hashing, padding and the applet's own code are added to that.
 * RSA-2048 with CRT: assumed, a fast contact chip needs about 200 ms.
 */
const SAM_OPERATIONS: DeviceTiming['operationMs'] = {
  command: 3,
  random: 4,
  symmetric: 8,
  'nonvolatile-write': 6,
  'rsa-2048-private': 200,
  'rsa-2048-public': 20,
  'p-256-generate': 80,
  'p-256-agree': 60,
  'p-256-sign': 60,
  'p-256-verify': 60,
  'p-384-sign': 90,
  'p-384-verify': 95,
};

export const REAL_TIMING: TimingProfile = {
  name: 'real',
  card: { link: TYPE_B_106, operationMs: CARD_OPERATIONS },
  sam: { link: T1_TA1_95, operationMs: SAM_OPERATIONS },
};

const NO_LINK: LinkTiming = { byteMs: 0, blockPayloadBytes: 65_536, blockOverheadBytes: 0, frameMs: 0 };

function scale(operationMs: DeviceTiming['operationMs'], factor: number): DeviceTiming['operationMs'] {
  const scaled = Object.entries(operationMs).map(([operation, ms]) => [operation, ms * factor]);
  return Object.fromEntries(scaled) as Record<Operation, number>;
}

/** Answers at once: for tests and for counting. */
export const ZERO_TIMING: TimingProfile = {
  name: 'zero',
  card: { link: NO_LINK, operationMs: scale(CARD_OPERATIONS, 0) },
  sam: { link: NO_LINK, operationMs: scale(SAM_OPERATIONS, 0) },
};

/** Time of one APDU on the line: every block but the last is acknowledged by a block without payload. */
export function lineMs(link: LinkTiming, lengthBytes: number): number {
  const blocks = Math.max(1, Math.ceil(lengthBytes / link.blockPayloadBytes));
  const acknowledgements = blocks - 1;
  const bytes = lengthBytes + (blocks + acknowledgements) * link.blockOverheadBytes;
  return bytes * link.byteMs + (blocks + acknowledgements) * link.frameMs;
}

export function exchangeMs(
  timing: DeviceTiming,
  commandBytes: number,
  answerBytes: number,
  work: readonly Operation[],
): number {
  const chipMs = work.reduce((sum, operation) => sum + timing.operationMs[operation], 0);
  return lineMs(timing.link, commandBytes) + chipMs + lineMs(timing.link, answerBytes);
}

/** One exchanged APDU: header data only, never its payload. */
export interface MeterEntry {
  readonly device: VirtualCard['device'];
  readonly ins: number;
  /** The work that took the time, for people: "rsa-2048-private". */
  readonly label: string;
  /** Simulated time of the exchange. */
  readonly ms: number;
  /** When it started, by the monotonic clock. */
  readonly startMs: number;
  readonly commandBytes: number;
  readonly answerBytes: number;
}

/** Collects what both devices did, so that a benchmark can compute the critical path. */
export class Meter {
  #entries: MeterEntry[] = [];

  record(entry: MeterEntry): void {
    this.#entries.push(entry);
  }

  /** Everything since the last call. */
  take(): MeterEntry[] {
    const taken = this.#entries;
    this.#entries = [];
    return taken;
  }
}

/** A timer is late by up to this much for no fault of the program; later than that is somebody's work, and stays. */
const TIMER_LATENESS_MS = 2;

/** Sleeps to absolute targets, and takes a timer's lateness off the next sleep. */
export class Pacer {
  readonly #clock: Clock;
  #lateMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves `ms` after `startMs`, on average exactly; rejects when aborted. */
  async waitUntil(startMs: number, ms: number, signal?: AbortSignal): Promise<void> {
    const targetMs = startMs + ms - this.#lateMs;
    const leftMs = targetMs - this.#clock.monotonicMs();
    if (leftMs > 0) await this.#clock.sleep(leftMs, signal);
    const lateMs = this.#clock.monotonicMs() - targetMs;
    this.#lateMs = Math.min(lateMs, TIMER_LATENESS_MS);
  }
}
