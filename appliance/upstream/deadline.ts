/** A piece of work that ends by itself, ends late, or is called off. */
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { after, type Clock } from '#ports/clock.ts';

/** What a caller's abort becomes: its own SekishoError when it gave one. */
export function abortError(signal: AbortSignal): SekishoError {
  const { reason } = signal;
  return isSekishoError(reason) ? reason : new SekishoError('centre.timeout', { cause: reason });
}

/**
 * Runs `work` with a signal that fires at the deadline or with the caller's. Settles then, whether `work`
 * listens or not: `centre.timeout` at the deadline, the caller's reason on abort.
 */
export async function withDeadline<T>(
  clock: Clock,
  deadlineMs: number,
  caller: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  if (caller?.aborted) throw abortError(caller);
  const cut = new AbortController();
  const onAbort = (): void => cut.abort(caller && abortError(caller));
  caller?.addEventListener('abort', onAbort, { once: true });
  const callOff = after(clock, deadlineMs, () =>
    cut.abort(new SekishoError('centre.timeout', { context: { deadlineMs } })),
  );
  const ended = new Promise<never>((_, reject) => {
    cut.signal.addEventListener('abort', () => reject(cut.signal.reason), { once: true });
  });
  try {
    return await Promise.race([work(cut.signal), ended]);
  } finally {
    callOff();
    caller?.removeEventListener('abort', onAbort);
  }
}
