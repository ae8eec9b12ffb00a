/**
 * Keeps the SAM: opens it, opens it again after a power-off, and remembers what may be remembered while it is unlocked.
 * The organisation certificate is readable only while unlocked, so it is kept only while unlocked.
 */
import type { CardReader } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import { openSam, type Sam } from '#sam/sam.ts';
import type { Suite } from '#card/suite.ts';

export class SamHolder {
  readonly #slot: CardReader;
  #sam: Sam | undefined;
  #certificates = new Map<Suite, Uint8Array>();
  #identity: { samId: string; institutionCode: string } | undefined;

  constructor(slot: CardReader) {
    this.#slot = slot;
  }

  /** Powers the SAM and selects its application. Rejects `sam.*`. */
  async open(signal: AbortSignal): Promise<Sam> {
    await this.powerOff();
    const sam = await openSam(await this.#slot.waitForCard(signal));
    this.#identity = { samId: sam.samId, institutionCode: await sam.institutionCode() };
    this.#sam = sam;
    return sam;
  }

  get current(): Sam | undefined {
    return this.#sam;
  }

  /** Of the SAM that is, or was last, in the slot. Throws `sam.absent` when there never was one. */
  get samId(): string {
    return this.#known().samId;
  }

  get institutionCode(): string {
    return this.#known().institutionCode;
  }

  #known(): { samId: string; institutionCode: string } {
    if (this.#identity === undefined) throw new SekishoError('sam.absent');
    return this.#identity;
  }

  /** The open SAM; throws `sam.absent` when there is none. */
  require(): Sam {
    if (this.#sam === undefined) throw new SekishoError('sam.absent');
    return this.#sam;
  }

  /** The organisation's CV certificate for `suite`; read once per unlock. */
  async organisationCertificate(suite: Suite): Promise<Uint8Array> {
    const known = this.#certificates.get(suite);
    if (known !== undefined) return known;
    const certificate = await this.require().organisationCertificate(suite);
    this.#certificates.set(suite, certificate);
    return certificate;
  }

  /** The device certificate, which the TLS edge shows to the centre. @see `DeviceSigner` of the upstream ports */
  deviceCertificate(): Promise<Uint8Array> {
    return this.require().deviceCertificate();
  }

  signDeviceProof(data: Uint8Array): Promise<Uint8Array> {
    return this.require().signDeviceProof(data);
  }

  forgetCertificates(): void {
    this.#certificates = new Map();
  }

  /** Takes the power off; the volatile unlock state is gone with it. */
  async powerOff(): Promise<void> {
    const sam = this.#sam;
    this.#sam = undefined;
    this.forgetCertificates();
    await sam?.close();
  }
}
