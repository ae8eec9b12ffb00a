/** Revocation: OCSP first; when it does not answer, the last good lists; then honest ignorance. */
import { SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';
import { lookUpCrl } from '#trust/crl.ts';
import { buildOcspRequest, verifyOcspResponse } from '#trust/ocsp.ts';
import type { Circuit } from './circuit.ts';
import { abortError } from './deadline.ts';
import { requireDocument } from './plain-line.ts';
import type { RevocationService, RevocationStatus } from './ports.ts';
import type { RevocationList } from './revocation-list.ts';

const HOUR_MS = 3_600_000;
const NONCE_BYTES = 16;
const MAX_OCSP_BYTES = 65_536;
const OCSP_MAX_AGE_MS = 24 * HOUR_MS;
const CRL_MAX_AGE_MS = 7 * 24 * HOUR_MS;
const CLOCK_SKEW_MS = 5 * 60_000;

/** One list behind its own circuit. */
export interface ListSource {
  readonly list: RevocationList;
  readonly circuit: Circuit;
}

export interface RevocationOptions {
  readonly ocsp: Circuit;
  readonly ocspPath: string;
  readonly lists: readonly ListSource[];
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
  await Promise.all(lists.map(({ list, circuit }) => list.ready(circuit, caller)));
  const policy = { nowMs: clock.nowMs(), maxAgeMs: CRL_MAX_AGE_MS, clockSkewMs: CLOCK_SKEW_MS };
  const list = lists.map((source) => source.list.of(issuer)).find((crl) => crl !== undefined);
  if (list === undefined) throw new SekishoError('revocation.unknown', { context: { why: 'no list' } });
  const status = lookUpCrl(list, certificate, policy);
  return status.status === 'good' ? { status: 'good', checkedBy: 'crl' } : status;
}

export function makeRevocationService(options: RevocationOptions): RevocationService {
  return {
    async status(certificate, issuer, caller) {
      try {
        const status = await askOcsp(options, certificate, issuer, caller);
        for (const { list, circuit } of options.lists) list.keepFresh(circuit);
        return status;
      } catch (thrown) {
        if (caller?.aborted) throw abortError(caller);
        return await askLists(options, certificate, issuer, caller).catch((cause: unknown) => {
          throw new SekishoError('revocation.unknown', { cause: new AggregateError([thrown, cause]) });
        });
      }
    },
  };
}
