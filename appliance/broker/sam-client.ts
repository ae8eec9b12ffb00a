/**
 * The gateway's side of the broker: keeps the line open, notices when the SAM leaves, and remembers what may be
 * remembered. The organisation certificate is readable only while unlocked, so it is kept only while unlocked.
 */
import { fromHex, toHex } from '#card/bytes.ts';
import type { Suite } from '#card/suite.ts';
import { SekishoError } from '#contract/errors.ts';
import type { BrokerLink, LinkEvent } from './link.ts';
import { openSamOver } from './open-sam.ts';
import { signInMessage } from './operator-session.ts';
import { permitOver } from './permit-client.ts';
import type { LeaseDoor, OpenSam, OperatorProof, PermitDoor, SamAccess } from './sam-access.ts';

interface HeldSam {
  readonly sam: OpenSam;
  readonly powerUp: number;
  readonly organisationCertificates: Map<Suite, Promise<Uint8Array>>;
  deviceCertificate: Promise<Uint8Array> | undefined;
}

interface SamIdentity {
  readonly samId: string;
  readonly institutionCode: string;
}

const SUITES: readonly Suite[] = ['rsa-2048-sha256', 'p384-sha384'];

export class SamClient implements SamAccess {
  readonly operator: OperatorProof;
  readonly lease: LeaseDoor;
  readonly permit: PermitDoor;
  readonly #link: BrokerLink;
  readonly #wipedListeners = new Set<(reason: string) => void>();
  #held: HeldSam | undefined;
  #opening: Promise<OpenSam> | undefined;
  #identity: SamIdentity | undefined;
  /** A loss that nobody has been told of yet. */
  #isLost = false;
  #tellLost: (() => void) | undefined;
  /** Under way: what is heard of them nobody needs to be told. */
  #ownWipes = 0;
  #isClosed = false;

  constructor(link: BrokerLink) {
    this.#link = link;
    this.operator = operatorOver(link);
    this.lease = leaseOver(link);
    this.permit = permitOver(link, () => this.samId);
    link.onEvent((event) => this.#heard(event));
  }

  open(signal: AbortSignal): Promise<OpenSam> {
    if (this.#held !== undefined) return Promise.resolve(this.#held.sam);
    return this.#opening ?? this.#begin(this.#open(false, signal));
  }

  powerCycle(signal: AbortSignal): Promise<OpenSam> {
    // While it is being opened it is locked by that alone.
    if (this.#opening !== undefined) return this.#opening;
    this.#held = undefined;
    return this.#begin(this.#open(true, signal));
  }

  async powerOff(): Promise<void> {
    this.#held = undefined;
    await this.#link.call('powerOff', {});
  }

  ready(): Promise<OpenSam> {
    return this.#opening ?? Promise.resolve().then(() => this.require());
  }

  drop(sam: OpenSam): void {
    if (this.#held?.sam !== sam) return;
    this.#held = undefined;
    this.#link.call('powerOff', {}).catch(ignore);
    this.#lose();
  }

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

  async close(): Promise<void> {
    await this.#opening?.catch(ignore);
    this.#held = undefined;
    this.#isClosed = true;
    await this.#link.close();
  }

  get current(): OpenSam | undefined {
    return this.#held?.sam;
  }

  require(): OpenSam {
    return this.#requireHeld().sam;
  }

  get identity(): SamIdentity | undefined {
    return this.#identity;
  }

  get samId(): string {
    return this.#known().samId;
  }

  get institutionCode(): string {
    return this.#known().institutionCode;
  }

  organisationCertificate(suite: Suite): Promise<Uint8Array> {
    const { powerUp, organisationCertificates: kept } = this.#requireHeld();
    const known = kept.get(suite);
    if (known !== undefined) return known;
    const reading = this.#link
      .call('organisationCertificate', { powerUp, suite })
      .then(({ certificate }) => fromHex(certificate));
    kept.set(suite, reading);
    reading.catch(() => kept.delete(suite));
    return reading;
  }

  async readAhead(): Promise<void> {
    if (this.#held === undefined) return;
    await Promise.allSettled(SUITES.map((suite) => this.organisationCertificate(suite)));
  }

  forgetCertificates(): void {
    this.#held?.organisationCertificates.clear();
  }

  async deviceCertificate(): Promise<Uint8Array> {
    const held = this.#requireHeld();
    const { powerUp } = held;
    held.deviceCertificate ??= this.#link
      .call('deviceCertificate', { powerUp })
      .then(({ certificate }) => fromHex(certificate));
    held.deviceCertificate.catch(() => {
      held.deviceCertificate = undefined;
    });
    return held.deviceCertificate;
  }

  async signDeviceProof(data: Uint8Array): Promise<Uint8Array> {
    const { powerUp } = this.#requireHeld();
    return fromHex((await this.#link.call('signDeviceProof', { powerUp, data: toHex(data) })).signature);
  }

  async wipe(reason: string): Promise<void> {
    this.#held = undefined;
    this.#ownWipes += 1;
    try {
      await this.#link.call('wipe', { reason });
    } finally {
      this.#ownWipes -= 1;
    }
  }

  onWiped(listener: (reason: string) => void): () => void {
    this.#wipedListeners.add(listener);
    return () => this.#wipedListeners.delete(listener);
  }

  #begin(opening: Promise<OpenSam>): Promise<OpenSam> {
    const tracked = opening.finally(() => {
      this.#opening = undefined;
    });
    tracked.catch(() => this.#lose());
    this.#opening = tracked;
    return tracked;
  }

  async #open(isFresh: boolean, signal: AbortSignal): Promise<OpenSam> {
    const opened = await this.#unlessAborted(this.#link.call('open', { isFresh }), signal);
    const { powerUp, samId, institutionCode } = opened;
    this.#identity = { samId, institutionCode };
    const sam = openSamOver(this.#link, opened);
    this.#held = { sam, powerUp, organisationCertificates: new Map(), deviceCertificate: undefined };
    this.#isLost = false;
    return sam;
  }

  /** Whoever does not wait any more does not want a SAM that is powered later. */
  async #unlessAborted<T>(opening: Promise<T>, signal: AbortSignal): Promise<T> {
    const onAbort = (): void => void this.#link.call('cancelOpen', {}).catch(ignore);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await opening;
    } catch (thrown) {
      signal.throwIfAborted();
      throw thrown;
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  #heard(event: LinkEvent): void {
    const held = this.#held;
    if (event.event === 'permitChanged') return;
    if (event.event === 'samLost' && event.powerUp !== held?.powerUp) return;
    this.#held = undefined;
    const reason = reasonOf(event);
    if (reason !== undefined && this.#ownWipes === 0 && !this.#isClosed)
      for (const tell of [...this.#wipedListeners]) tell(reason);
    // Whoever was told may have begun to open it anew.
    if (held !== undefined && this.#opening === undefined) this.#lose();
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

/** Why nothing is proven to the broker any more. */
function reasonOf(event: LinkEvent): string | undefined {
  if (event.event === 'wiped') return event.reason;
  return event.event === 'gone' ? 'broker-gone' : undefined;
}

function operatorOver(link: BrokerLink): OperatorProof {
  return {
    message: async () => signInMessage(fromHex((await link.call('signInChallenge', {})).challenge)),
    async signIn(keyId, signature) {
      await link.call('signIn', { keyId, signature: toHex(signature) });
    },
    async active() {
      await link.call('operatorActive', {});
    },
    async signOut() {
      await link.call('signOut', {});
    },
  };
}

function leaseOver(link: BrokerLink): LeaseDoor {
  return {
    question: async () => fromHex((await link.call('leaseQuestion', {})).question),
    answer: (datagram) => link.call('leaseAnswer', { answer: toHex(datagram) }),
    async end(reason) {
      await link.call('endLease', { reason });
    },
  };
}

function ignore(): void {}
