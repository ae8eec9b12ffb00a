/** Waiting for something outside, with an end. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import { after, type Clock } from '#ports/clock.ts';

/** Runs `work` with a signal that is aborted by `signal`, and with `error` after `ms`. */
export async function withPatience<T>(
  clock: Clock,
  ms: number,
  error: ErrorCode,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const patience = new AbortController();
  const callOff = after(clock, ms, () => patience.abort(new SekishoError(error)));
  try {
    return await work(AbortSignal.any([signal, patience.signal]));
  } finally {
    callOff();
  }
}
