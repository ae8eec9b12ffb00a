/** The anchor without its socket: a datagram comes in, an answer goes out or nothing does, and everything is counted. */
import { randomBytes, sign } from 'node:crypto';
import type { DeviceBook } from './device-book.ts';
import type { Identity } from './identity.ts';
import { parseQuestion, type Verdict, writeAnswer } from './protocol.ts';
import type { RateLimit } from './rate-limit.ts';

/** Why nothing was answered: a stranger learns nothing, not even that somebody listens. */
export type Silence = 'malformed' | 'rate-limited' | 'other-network';

export type Counters = Readonly<Record<Verdict | Silence, number>>;

export interface AnchorParts {
  readonly identity: Identity;
  readonly devices: Pick<DeviceBook, 'verdictOn'>;
  readonly rateLimit: Pick<RateLimit, 'allows'>;
}

export class Anchor {
  readonly #parts: AnchorParts;
  /** New at each start, so that the sequence may begin again. */
  readonly #bootId = randomBytes(16);
  #sequence = 0n;
  readonly #counters: Record<Verdict | Silence, number> = {
    granted: 0,
    'not-registered': 0,
    revoked: 0,
    malformed: 0,
    'rate-limited': 0,
    'other-network': 0,
  };

  constructor(parts: AnchorParts) {
    this.#parts = parts;
  }

  get counters(): Counters {
    return { ...this.#counters };
  }

  /** The answer to send back to where the datagram came from. */
  answer(datagram: Buffer, fromAddress: string): Buffer | undefined {
    const { identity, devices, rateLimit } = this.#parts;
    const question = parseQuestion(datagram);
    if (question === undefined) return this.#stayQuiet('malformed');
    if (!rateLimit.allows(fromAddress)) return this.#stayQuiet('rate-limited');
    if (!question.networkId.equals(identity.networkId)) return this.#stayQuiet('other-network');
    const verdict = devices.verdictOn(question.deviceId.toString('hex'));
    this.#counters[verdict] += 1;
    this.#sequence += 1n;
    const answer = { ...question, bootId: this.#bootId, sequence: this.#sequence, verdict };
    return writeAnswer(answer, (bytes) => sign(null, bytes, identity.privateKey));
  }

  #stayQuiet(why: Silence): undefined {
    this.#counters[why] += 1;
    return undefined;
  }
}
