/**
 * One list of the centre: the newest good one that was ever seen stays until a better one comes. Whatever else arrives
 * (garbage, a web page, another authority's list, an older list played again) is a failure of the service.
 */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import { type VerifiedCrl, verifyCrl } from '#trust/crl.ts';
import type { Circuit } from './circuit.ts';
import type { Line } from './line.ts';
import { requireDocument } from './plain-line.ts';

const HOUR_MS = 3_600_000;
const MAX_CRL_BYTES = 32 * 1024 * 1024;
const REFRESH_MS = HOUR_MS;
const OUTDATED_MS = 20 * HOUR_MS;

interface GoodList {
  /** Certificate of its authority, DER. */
  readonly issuer: Uint8Array;
  readonly crl: VerifiedCrl;
  readonly fetchedAtMs: number;
}

export class RevocationList {
  /** For its circuit: warm is a line whose list is good, so that the background probe of a circuit fetches anew. */
  readonly line: Line;
  readonly #path: string;
  readonly #issuers: readonly Uint8Array[];
  readonly #clock: Clock;
  #good: GoodList | undefined;

  /** `issuers`: certificates (DER) of the authorities, one of which signs this list. */
  constructor(line: Line, path: string, issuers: readonly Uint8Array[], clock: Clock) {
    this.#path = path;
    this.#issuers = issuers;
    this.#clock = clock;
    this.line = { ...line, warm: (signal) => this.#renew(line, signal) };
  }

  /** Has a list that is worth asking when it arrives: fetches now if need be, else renews it aside. Never rejects. */
  async ready(circuit: Circuit, signal: AbortSignal | undefined): Promise<void> {
    const ageMs = this.#ageMs();
    if (ageMs > OUTDATED_MS) await this.#fetch(circuit, signal);
    else if (ageMs > REFRESH_MS) void this.#fetch(circuit, undefined);
  }

  /** Renews a list aside that nobody had to ask for long, so that there is one when it is needed. */
  keepFresh(circuit: Circuit): void {
    if (this.#good !== undefined && this.#ageMs() > OUTDATED_MS) void this.#fetch(circuit, undefined);
  }

  /** The list, when it is one of `issuer` (DER). */
  of(issuer: Uint8Array): VerifiedCrl | undefined {
    const good = this.#good;
    return good !== undefined && Buffer.compare(good.issuer, issuer) === 0 ? good.crl : undefined;
  }

  /** A clock that went back makes a list old, not new. */
  #ageMs(): number {
    if (this.#good === undefined) return Number.POSITIVE_INFINITY;
    const ageMs = this.#clock.nowMs() - this.#good.fetchedAtMs;
    return ageMs < 0 ? Number.POSITIVE_INFINITY : ageMs;
  }

  async #fetch(circuit: Circuit, caller: AbortSignal | undefined): Promise<void> {
    try {
      await circuit.call(caller, (line, signal) => this.#renew(line, signal));
    } catch (thrown) {
      if (!(thrown instanceof SekishoError)) throw thrown;
    }
  }

  async #renew(line: Line, signal: AbortSignal): Promise<void> {
    const answer = await line.exchange(
      { method: 'GET', path: this.#path, accept: 'application/pkix-crl', maxAnswerBytes: MAX_CRL_BYTES },
      signal,
    );
    this.#good = this.#judge(requireDocument(answer));
  }

  /** @throws SekishoError `centre.garbled` or `centre.untrusted` */
  #judge(der: Uint8Array): GoodList {
    const good = this.#good;
    const { issuer, crl } = verifyByOneOf(der, good === undefined ? this.#issuers : [good.issuer]);
    if (good !== undefined && crl.thisUpdateMs < good.crl.thisUpdateMs) {
      throw new SekishoError('centre.untrusted', { context: { why: 'older list' } });
    }
    return { issuer, crl, fetchedAtMs: this.#clock.nowMs() };
  }
}

function verifyByOneOf(
  der: Uint8Array,
  issuers: readonly Uint8Array[],
): { readonly issuer: Uint8Array; readonly crl: VerifiedCrl } {
  let refusal = new SekishoError('centre.untrusted', { context: { why: 'no authority of lists' } });
  for (const issuer of issuers) {
    try {
      return { issuer, crl: verifyCrl(der, issuer) };
    } catch (thrown) {
      if (!(thrown instanceof SekishoError)) throw thrown;
      refusal = thrown;
    }
  }
  throw refusal;
}
