/** How an entry point of this room turns "that is not DER" into the error that its callers know. */
import { SekishoError } from '#contract/errors.ts';
import { MalformedDer } from './der.ts';

/** Runs `judge` over something a server sent: malformed becomes `centre.garbled`. */
export function judgeAnswer<T>(judge: () => T): T {
  try {
    return judge();
  } catch (cause) {
    if (cause instanceof MalformedDer) throw new SekishoError('centre.garbled', { cause });
    throw cause;
  }
}
