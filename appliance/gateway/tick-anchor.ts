/**
 * TickStamp1: has an RFC 3161 authority time-stamp a fresh tick stamp, so that every stamp of this power-up gets a
 * proven earliest and latest time; it covers all entries so far. Without the authority the stamps still order everything.
 */
import { createHash } from 'node:crypto';
import { fromHex } from '#card/bytes.ts';
import { toSekishoError } from '#contract/errors.ts';
import { encodeCompleteStamp } from '#evidence/tick-stamp.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

export class TickAnchor {
  readonly #parts: GatewayParts;
  readonly #stop: AbortSignal;
  #making: Promise<void> = Promise.resolve();
  /** An unlock has happened since the last anchor. */
  #isMissing = false;

  /** `stop` ends what still runs in the background. */
  constructor(parts: GatewayParts, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
  }

  /** To be called after each unlock. Never rejects. */
  makeAfterUnlock(): Promise<void> {
    this.#isMissing = true;
    return this.makeIfMissing();
  }

  /** It is tried again with each call. Never rejects. */
  makeIfMissing(): Promise<void> {
    this.#making = this.#making.then(() => this.#makeIfMissing());
    return this.#making;
  }

  /** Resolves when nothing runs in the background any more. */
  settled(): Promise<void> {
    return this.#making;
  }

  async #makeIfMissing(): Promise<void> {
    const { samAccess, ledger, centre, clock, logger } = this.#parts;
    const [sam, head] = [samAccess.current, ledger.head()];
    if (!this.#isMissing || sam === undefined || head === undefined) return;
    // The next unlock may come while the authority thinks about this one.
    this.#isMissing = false;
    try {
      const tickStamp = encodeCompleteStamp(await sam.tickStamp(fromHex(head.hash)));
      const digest = createHash('sha256').update(tickStamp, 'hex').digest();
      const token = await centre.timeStamps.timeStamp(new Uint8Array(digest), this.#stop);
      await appendStamped(this.#parts, {
        kind: 'tick-anchor',
        at: new Date(clock.nowMs()).toISOString(),
        tickStamp,
        token: Buffer.from(token).toString('base64'),
      });
    } catch (thrown) {
      this.#isMissing = true;
      logger.warn('tick-anchor.missing', { code: toSekishoError(thrown).code });
    }
  }
}
