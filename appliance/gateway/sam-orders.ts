/** What the SP wants of this device is asked for, because nothing reaches it from outside. A SAM that shall be dead is killed at once. */
import { toHex } from '#card/bytes.ts';
import { isSekishoError, SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';

export class SamOrders {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #stop: AbortSignal;
  #isFollowing = false;

  /** `stop` ends what asks the SP. */
  constructor(parts: GatewayParts, core: GatewayCore, stop: AbortSignal) {
    this.#parts = parts;
    this.#core = core;
    this.#stop = stop;
  }

  /**
   * Fetches an order and carries it out; a device that the SP refuses has no leave to be away any more. Rejects
   * `sam.disabled` when there was an order, `centre.*` when the SP is silent or says no, and `sam.*`.
   */
  async follow(): Promise<void> {
    const { centre, samAccess } = this.#parts;
    const { disable } = await centre.serviceProvider.orders(this.#stop).catch(async (thrown: unknown) => {
      if (isSekishoError(thrown, 'centre.refused')) await samAccess.permit.end('revoked');
      throw thrown;
    });
    if (!disable) return;
    if (this.#core.facts.sam.kind !== 'disabled') await this.#disable();
    throw new SekishoError('sam.disabled');
  }

  /** The same for whoever has no use for the answer; once at a time, because each answer may ask for it again. Never rejects. */
  async followByItself(): Promise<void> {
    const { kind } = this.#core.facts.sam;
    if (this.#isFollowing || kind === 'absent' || kind === 'disabled') return;
    this.#isFollowing = true;
    await this.follow().catch((thrown: unknown) => {
      this.#parts.logger.warn('sam.orders', { code: toSekishoError(thrown).code });
    });
    this.#isFollowing = false;
  }

  async #disable(): Promise<void> {
    const { samAccess, centre, ledger, clock } = this.#parts;
    const sam = await samAccess.ready();
    const challenge = toHex(await sam.challenge());
    const { order } = await centre.serviceProvider.disableSam({ samId: sam.samId, challenge }, this.#stop);
    await sam.disable(new Uint8Array(Buffer.from(order, 'base64')));
    this.#core.apply({ type: 'samDisabled' });
    const at = new Date(clock.nowMs()).toISOString();
    await ledger.append({ kind: 'sam-disabled', at, samId: sam.samId, order });
    await samAccess.permit.end('revoked');
  }
}
