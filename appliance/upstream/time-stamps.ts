/** RFC 3161 over HTTP. Whatever goes wrong, the caller hears that there is no time stamp now. */
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Random } from '#ports/random.ts';
import type { PinnedAuthorities } from '#trust/authority.ts';
import { buildTimeStampRequest, verifyTimeStampResponse } from '#trust/tsp.ts';
import type { Circuit } from './circuit.ts';
import { abortError } from './deadline.ts';
import { requireDocument } from './plain-line.ts';
import type { TimeStampAuthority } from './ports.ts';

const NONCE_BYTES = 16;
const MAX_RESPONSE_BYTES = 65_536;

export interface TimeStampOptions {
  readonly circuit: Circuit;
  readonly path: string;
  readonly authorities: PinnedAuthorities;
  readonly random: Random;
}

export function makeTimeStampAuthority({
  circuit,
  path,
  authorities,
  random,
}: TimeStampOptions): TimeStampAuthority {
  const ask = (digest: Uint8Array, caller: AbortSignal | undefined): Promise<Uint8Array> =>
    circuit.call(caller, async (line, signal) => {
      const question = { digest, nonce: random.bytes(NONCE_BYTES) };
      const body = { mediaType: 'application/timestamp-query', bytes: buildTimeStampRequest(question) };
      const accept = 'application/timestamp-reply';
      const answer = await line.exchange(
        { method: 'POST', path, accept, body, maxAnswerBytes: MAX_RESPONSE_BYTES },
        signal,
      );
      return verifyTimeStampResponse(requireDocument(answer), question, authorities).token;
    });
  return {
    timeStamp: (digest, caller) =>
      ask(digest, caller).catch((cause: unknown) => {
        if (caller?.aborted) throw abortError(caller);
        throw new SekishoError('time-stamp.unavailable', {
          cause,
          context: { why: isSekishoError(cause) ? cause.code : 'unknown' },
        });
      }),
  };
}
