/** A way to one service, seen from above: ask, find out whether it is there, be told when it is lost. */
import type { HttpAnswer, HttpQuestion } from './http-exchange.ts';

export interface Line {
  /** Rejects with `centre.*` or the reason of `signal`. */
  exchange(question: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer>;
  /** Makes the line ready to be asked; resolves when the service was really there. */
  warm(signal: AbortSignal): Promise<void>;
  /** Called when a ready connection is lost for no doing of ours. */
  onLost(listener: () => void): void;
  close(): void;
}
