/**
 * Patient data is open as long as the SAM is unlocked, and no longer: its key is wrapped by the SAM, and overwritten
 * when the SAM locks, leaves, or loses its power, whatever the reason.
 */

import type { OpenSam } from '#broker/sam-access.ts';
import { type SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';

export class PatientData {
  readonly #parts: GatewayParts;
  readonly #stop: AbortSignal;
  #resealing: Promise<void> = Promise.resolve();

  /** `stop` ends what asks the SP. */
  constructor(parts: GatewayParts, core: GatewayCore, stop: AbortSignal) {
    this.#parts = parts;
    this.#stop = stop;
    let wasUnlocked = false;
    core.subscribe(() => {
      const isUnlocked = core.facts.sam.kind === 'unlocked';
      if (wasUnlocked && !isUnlocked) parts.vault.close();
      wasUnlocked = isUnlocked;
    });
  }

  /** With a SAM that was just unlocked. Rejects `sam.*`, `store.*`, and `centre.*` when the SP must help a replaced SAM. */
  async open(sam: OpenSam): Promise<void> {
    const { vault, ledger } = this.#parts;
    if (vault.isOpen) return;
    const { keyId, event } = await vault.open(sam, (fromSamId, wrapped) => this.#rewrap(fromSamId, wrapped));
    if (event !== 'opened') await ledger.append({ kind: 'data-key', at: this.#now(), keyId, event });
    void this.reseal();
  }

  close(): void {
    this.#parts.vault.close();
  }

  /** A new key for what is written from now on; all that is there follows in the background. Rejects `sam.*`, `store.*`. */
  async rotate(operatorId: string): Promise<void> {
    const { vault, ledger, samAccess } = this.#parts;
    const keyId = await vault.rotate(samAccess.require());
    await ledger.append({ kind: 'data-key', at: this.#now(), keyId, event: 'rotated', operatorId });
    void this.reseal();
  }

  /** Goes on with what a lock or a restart interrupted. Never rejects. */
  reseal(): Promise<void> {
    const { vault, logger } = this.#parts;
    this.#resealing = this.#resealing
      .then(() => vault.finishRotation())
      .catch((thrown: unknown) => {
        const { code }: SekishoError = toSekishoError(thrown);
        logger.warn('data-key.not-resealed', { code });
      });
    return this.#resealing;
  }

  async #rewrap(fromSamId: string, wrapped: Uint8Array): Promise<Uint8Array> {
    const request = { fromSamId, wrapped: Buffer.from(wrapped).toString('hex') };
    const answer = await this.#parts.centre.serviceProvider.rewrapDataKey(request, this.#stop);
    return Buffer.from(answer.wrapped, 'hex');
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }
}
