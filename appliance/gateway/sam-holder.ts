/**
 * Holds the line to the SAM: opens it, takes the power off, notices when it leaves, and remembers what may be
 * remembered. The organisation certificate is readable only while unlocked, so it is kept only while unlocked.
 */
import type { CardReader } from '#card/channel.ts';
import type { Suite } from '#card/suite.ts';
import { SekishoError } from '#contract/errors.ts';
import { openSam, type Sam } from '#sam/sam.ts';

interface HeldSam {
  readonly sam: Sam;
  /** Aborted when it is held no longer. */
  readonly end: AbortController;
  readonly organisationCertificates: Map<Suite, Promise<Uint8Array>>;
  deviceCertificate: Promise<Uint8Array> | undefined;
}

interface SamIdentity {
  readonly samId: string;
  readonly institutionCode: string;
}

const SUITES: readonly Suite[] = ['rsa-2048-sha256', 'p384-sha384'];

export class SamHolder {
  readonly #slot: CardReader;
  #held: HeldSam | undefined;
  #opening: Promise<Sam> | undefined;
  #identity: SamIdentity | undefined;
  /** A loss that nobody has been told of yet. */
  #isLost = false;
  #tellLost: (() => void) | undefined;

  constructor(slot: CardReader) {
    this.#slot = slot;
  }

  /** Powers the SAM and selects its application, unless that is under way or done. Rejects `sam.*`. */
  open(signal: AbortSignal): Promise<Sam> {
    if (this.#held !== undefined) return Promise.resolve(this.#held.sam);
    return this.#opening ?? this.#begin(this.#open(signal));
  }

  /** Power off and on again: the volatile unlock state is gone at once, and the SAM can prove the device anew. */
  powerCycle(signal: AbortSignal): Promise<Sam> {
    // While it is being opened it is locked by that alone.
    if (this.#opening !== undefined) return this.#opening;
    const off = this.powerOff();
    return this.#begin(off.then(() => this.#open(signal)));
  }

  /** Takes the power off; the volatile unlock state is gone with it. Rejects `sam.lock-failed` when it stays on. */
  async powerOff(): Promise<void> {
    const held = this.#release();
    try {
      await held?.sam.close();
    } catch (thrown) {
      throw new SekishoError('sam.lock-failed', { cause: thrown });
    }
  }

  /** The SAM when it is open, or as soon as an opening that is under way has ended. Rejects `sam.*`. */
  ready(): Promise<Sam> {
    return this.#opening ?? Promise.resolve().then(() => this.require());
  }

  /** Gives up a SAM that left or does not answer any more; `lost` resolves. */
  drop(sam: Sam): void {
    if (this.#held?.sam !== sam) return;
    this.#release()?.sam.close().catch(ignore);
    this.#lose();
  }

  /** Resolves when the SAM is gone for another reason than `powerOff`; each loss once, to one listener. */
  lost(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = (): void => reject(signal.reason);
      this.#tellLost = () => {
        this.#isLost = false;
        signal.removeEventListener('abort', onAbort);
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
      if (signal.aborted) onAbort();
      else if (this.#isLost) this.#tellLost();
    });
  }

  /** Ends an opening that is under way, too. */
  async close(): Promise<void> {
    await this.#opening?.catch(ignore);
    await this.powerOff();
  }

  get current(): Sam | undefined {
    return this.#held?.sam;
  }

  /** The open SAM; throws `sam.absent` when there is none. */
  require(): Sam {
    return this.#requireHeld().sam;
  }

  /** Of the SAM that is, or was last, in the slot; undefined when there never was one. */
  get identity(): SamIdentity | undefined {
    return this.#identity;
  }

  get samId(): string {
    return this.#known().samId;
  }

  get institutionCode(): string {
    return this.#known().institutionCode;
  }

  /** The organisation's CV certificate for `suite`; read once per unlock. */
  organisationCertificate(suite: Suite): Promise<Uint8Array> {
    const { sam, organisationCertificates: kept } = this.#requireHeld();
    const known = kept.get(suite);
    if (known !== undefined) return known;
    const reading = sam.organisationCertificate(suite);
    kept.set(suite, reading);
    reading.catch(() => kept.delete(suite));
    return reading;
  }

  /** Reads the organisation certificates now, so that the first tap does not wait for them. Never rejects. */
  async readAhead(): Promise<void> {
    if (this.#held === undefined) return;
    await Promise.allSettled(SUITES.map((suite) => this.organisationCertificate(suite)));
  }

  /** The device certificate, which the TLS edge shows to the centre. @see `DeviceSigner` of the upstream ports */
  async deviceCertificate(): Promise<Uint8Array> {
    const held = this.#requireHeld();
    held.deviceCertificate ??= held.sam.deviceCertificate();
    held.deviceCertificate.catch(() => {
      held.deviceCertificate = undefined;
    });
    return held.deviceCertificate;
  }

  async signDeviceProof(data: Uint8Array): Promise<Uint8Array> {
    return this.require().signDeviceProof(data);
  }

  /** To be called when the SAM is locked. */
  forgetCertificates(): void {
    this.#held?.organisationCertificates.clear();
  }

  #begin(opening: Promise<Sam>): Promise<Sam> {
    const tracked = opening.finally(() => {
      this.#opening = undefined;
    });
    tracked.catch(() => this.#lose());
    this.#opening = tracked;
    return tracked;
  }

  async #open(signal: AbortSignal): Promise<Sam> {
    const channel = await this.#slot.waitForCard(signal);
    const sam = await openSam(channel);
    try {
      this.#identity = { samId: sam.samId, institutionCode: await sam.institutionCode() };
    } catch (thrown) {
      await sam.close();
      throw thrown;
    }
    const end = new AbortController();
    this.#held = { sam, end, organisationCertificates: new Map(), deviceCertificate: undefined };
    this.#isLost = false;
    // Also when the slot itself fails: a SAM that nobody can watch is opened anew.
    const gone = (): void => this.drop(sam);
    this.#slot.waitForRemoval(channel, end.signal).then(gone, gone);
    return sam;
  }

  #release(): HeldSam | undefined {
    const held = this.#held;
    this.#held = undefined;
    held?.end.abort();
    return held;
  }

  #lose(): void {
    this.#isLost = true;
    this.#tellLost?.();
  }

  #requireHeld(): HeldSam {
    if (this.#held === undefined) throw new SekishoError('sam.absent');
    return this.#held;
  }

  #known(): SamIdentity {
    if (this.#identity === undefined) throw new SekishoError('sam.absent');
    return this.#identity;
  }
}

function ignore(): void {}
