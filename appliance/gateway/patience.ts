/** Waiting for something outside, with an end. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';

/** Runs `work` with a signal that is aborted by `signal`, and with `error` after `ms`. */
export async function withPatience<T>(
  clock: Clock,
  ms: number,
  error: ErrorCode,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = new AbortController();
  const finished = new AbortController();
  clock.sleep(ms, finished.signal).then(
    () => patience.abort(new SekishoError(error)),
    () => undefined,
  );
  try {
    return await work(AbortSignal.any([signal, patience.signal]));
  } finally {
    finished.abort();
  }
}
