/**
 * Patient data is open as long as the SAM is unlocked, and no longer: its key is wrapped by the SAM, and overwritten
 * when the SAM locks, leaves, or loses its power, whatever the reason. What is written while it is locked goes into a letterbox
 * that the SAM itself has vouched for, or nowhere.
 */
import { type KeyObject, X509Certificate } from 'node:crypto';
import type { OpenSam } from '#broker/sam-access.ts';
import { toHex } from '#card/bytes.ts';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

export class PatientData {
  readonly #parts: GatewayParts;
  readonly #core: GatewayCore;
  readonly #stop: AbortSignal;
  #resealing: Promise<void> = Promise.resolve();

  /** `stop` ends what asks the SP. */
  constructor(parts: GatewayParts, core: GatewayCore, stop: AbortSignal) {
    this.#parts = parts;
    this.#core = core;
    this.#stop = stop;
    let was = core.facts.sam.kind;
    core.subscribe(() => {
      const { kind } = core.facts.sam;
      if (was === 'unlocked' && kind !== 'unlocked') parts.vault.close();
      if (was === 'absent' && kind === 'locked') void this.#lookAtLetterbox();
      was = kind;
      this.#noteLife();
    });
  }

  /** With a SAM that was just unlocked. Rejects `sam.*`, `store.*`, and `centre.*` when the SP must help a replaced SAM. */
  async open(sam: OpenSam): Promise<void> {
    const { vault } = this.#parts;
    this.#requireLife();
    if (vault.isOpen) return;
    await this.#proveLetterbox();
    const opening = await vault.open(sam, (fromSamId, wrapped) => this.#rewrap(fromSamId, wrapped));
    this.#noteLife();
    this.#requireLife();
    const { keyId, event, unnamedLetterboxKey: letterboxKey } = opening;
    const record = { kind: 'data-key', at: this.#now(), keyId } as const;
    if (letterboxKey !== undefined) {
      const named = event === 'opened' ? 'letterbox-named' : event;
      await appendStamped(this.#parts, { ...record, event: named, letterboxKey }, ({ seq }) => [
        { do: 'name-letterbox', entry: seq },
      ]);
    } else if (event !== 'opened') await this.#parts.ledger.append({ ...record, event });
    void this.reseal();
  }

  close(): void {
    this.#parts.vault.close();
    this.#noteLife();
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

  /** Also while locked; what is wrong is told again to whoever writes or unlocks. Never rejects. */
  async #lookAtLetterbox(): Promise<void> {
    try {
      await this.#proveLetterbox();
    } catch (thrown) {
      const { code } = toSekishoError(thrown);
      this.#parts.logger.error('letterbox.not-proven', { code });
    }
  }

  /** The certificate comes from the SAM itself, not from the disk. */
  async #proveLetterbox(): Promise<void> {
    const { vault, samAccess } = this.#parts;
    const der = await samAccess.deviceCertificate();
    vault.proveLetterbox(publicKeyOf(der));
  }

  /** A process that is about to end opens nothing any more. */
  #requireLife(): void {
    if (this.#parts.life?.isDue !== true) return;
    this.#parts.vault.close();
    throw new SekishoError('sam.locked');
  }

  #noteLife(): void {
    const { vault, life } = this.#parts;
    life?.note({ patients: vault.isOpen, operator: this.#core.facts.operator.kind !== 'none' });
  }

  async #rewrap(fromSamId: string, wrapped: Uint8Array): Promise<Uint8Array> {
    const request = { fromSamId, wrapped: toHex(wrapped) };
    const answer = await this.#parts.centre.serviceProvider.rewrapDataKey(request, this.#stop);
    return Buffer.from(answer.wrapped, 'hex');
  }

  #now(): string {
    return new Date(this.#parts.clock.nowMs()).toISOString();
  }
}

function publicKeyOf(certificate: Uint8Array): KeyObject {
  try {
    return new X509Certificate(certificate).publicKey;
  } catch (cause) {
    throw new SekishoError('sam.failed', { context: { what: 'device certificate' }, cause });
  }
}
