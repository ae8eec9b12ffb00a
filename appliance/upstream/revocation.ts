/** Revocation: OCSP first; when it does not answer, the last lists that were fetched; then honest ignorance. */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import { lookUpCrl, type VerifiedCrl, verifyCrl } from '#trust/crl.ts';
import { buildOcspRequest, verifyOcspResponse } from '#trust/ocsp.ts';
import type { Circuit } from './circuit.ts';
import { abortError } from './deadline.ts';
import { requireDocument } from './plain-line.ts';
import type { RevocationService, RevocationStatus } from './ports.ts';

const HOUR_MS = 3_600_000;
const NONCE_BYTES = 16;
const MAX_OCSP_BYTES = 65_536;
const MAX_CRL_BYTES = 32 * 1024 * 1024;
const OCSP_MAX_AGE_MS = 24 * HOUR_MS;
const CRL_MAX_AGE_MS = 7 * 24 * HOUR_MS;
const CRL_REFRESH_MS = HOUR_MS;
const CRL_OUTDATED_MS = 20 * HOUR_MS;
const CLOCK_SKEW_MS = 5 * 60_000;

/** A fetched list: verified once for each issuer that asks. */
interface CachedList {
  readonly der: Uint8Array;
  readonly fetchedAtMs: number;
  readonly verified: Map<string, VerifiedCrl | undefined>;
}

/** One list of the centre behind its own circuit. */
export class CrlSource {
  readonly #circuit: Circuit;
  readonly #path: string;
  readonly #clock: Clock;
  #list: CachedList | undefined;

  constructor(circuit: Circuit, path: string, clock: Clock) {
    this.#circuit = circuit;
    this.#path = path;
    this.#clock = clock;
  }

  /** Has a list that is worth asking when it arrives: fetches now if need be, else renews it aside. Never rejects. */
  async ready(signal: AbortSignal | undefined): Promise<void> {
    const ageMs = this.#ageMs();
    if (ageMs > CRL_OUTDATED_MS) await this.refresh(signal);
    else if (ageMs > CRL_REFRESH_MS) void this.refresh();
  }

  /** Fetches unless the list is recent; the old one stays when that fails. Never rejects. */
  async refresh(signal?: AbortSignal): Promise<void> {
    if (this.#ageMs() <= CRL_REFRESH_MS) return;
    try {
      this.#list = await this.#fetch(signal);
    } catch (thrown) {
      if (!(thrown instanceof SekishoError)) throw thrown;
    }
  }

  /** A clock that went back makes a list old, not new. */
  #ageMs(): number {
    if (this.#list === undefined) return Number.POSITIVE_INFINITY;
    const ageMs = this.#clock.nowMs() - this.#list.fetchedAtMs;
    return ageMs < 0 ? Number.POSITIVE_INFINITY : ageMs;
  }

  /** The list, when it is one of `issuer`. */
  of(issuer: Uint8Array): VerifiedCrl | undefined {
    if (this.#list === undefined) return undefined;
    const { der, verified } = this.#list;
    const key = Buffer.from(issuer).toString('base64');
    if (!verified.has(key)) verified.set(key, verifiedOrNot(der, issuer));
    return verified.get(key);
  }

  #fetch(caller: AbortSignal | undefined): Promise<CachedList> {
    return this.#circuit.call(caller, async (line, signal) => {
      const answer = await line.exchange(
        { method: 'GET', path: this.#path, accept: 'application/pkix-crl', maxAnswerBytes: MAX_CRL_BYTES },
        signal,
      );
      return { der: requireDocument(answer), fetchedAtMs: this.#clock.nowMs(), verified: new Map() };
    });
  }
}

function verifiedOrNot(der: Uint8Array, issuer: Uint8Array): VerifiedCrl | undefined {
  try {
    return verifyCrl(der, issuer);
  } catch (thrown) {
    if (thrown instanceof SekishoError) return undefined;
    throw thrown;
  }
}

export interface RevocationOptions {
  readonly ocsp: Circuit;
  readonly ocspPath: string;
  readonly lists: readonly CrlSource[];
  readonly clock: Clock;
  readonly random: Random;
}

async function askOcsp(
  { ocsp, ocspPath, clock, random }: RevocationOptions,
  certificate: Uint8Array,
  issuer: Uint8Array,
  caller: AbortSignal | undefined,
): Promise<RevocationStatus> {
  const question = { certificate, issuer, nonce: random.bytes(NONCE_BYTES) };
  const body = { mediaType: 'application/ocsp-request', bytes: buildOcspRequest(question) };
  const status = await ocsp.call(caller, async (line, signal) => {
    const accept = 'application/ocsp-response';
    const answer = await line.exchange(
      { method: 'POST', path: ocspPath, accept, body, maxAnswerBytes: MAX_OCSP_BYTES },
      signal,
    );
    const policy = { nowMs: clock.nowMs(), maxAgeMs: OCSP_MAX_AGE_MS, clockSkewMs: CLOCK_SKEW_MS };
    return verifyOcspResponse(requireDocument(answer), question, policy);
  });
  return status.status === 'good' ? { status: 'good', checkedBy: 'ocsp' } : status;
}

async function askLists(
  { lists, clock }: RevocationOptions,
  certificate: Uint8Array,
  issuer: Uint8Array,
  caller: AbortSignal | undefined,
): Promise<RevocationStatus> {
  await Promise.all(lists.map((list) => list.ready(caller)));
  const policy = { nowMs: clock.nowMs(), maxAgeMs: CRL_MAX_AGE_MS, clockSkewMs: CLOCK_SKEW_MS };
  const list = lists.map((source) => source.of(issuer)).find((crl) => crl !== undefined);
  if (list === undefined) throw new SekishoError('revocation.unknown', { context: { why: 'no list' } });
  const status = lookUpCrl(list, certificate, policy);
  return status.status === 'good' ? { status: 'good', checkedBy: 'crl' } : status;
}

export function makeRevocationService(options: RevocationOptions): RevocationService {
  return {
    async status(certificate, issuer, caller) {
      try {
        return await askOcsp(options, certificate, issuer, caller);
      } catch (thrown) {
        if (caller?.aborted) throw abortError(caller);
        return await askLists(options, certificate, issuer, caller).catch((cause: unknown) => {
          throw new SekishoError('revocation.unknown', { cause: new AggregateError([thrown, cause]) });
        });
      }
    },
  };
}
