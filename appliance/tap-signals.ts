/** Light and sound of the reader at the two moments of a tap that a patient looks at the reader and not at a screen. */
import type { ReaderSignal } from '#card/channel.ts';
import type { GatewaySnapshot, TapState } from '#contract/snapshot.ts';
import type { Gateway } from '#gateway/face.ts';

export interface Signaller {
  signal(signal: ReaderSignal): Promise<void>;
}

/** The field is off in both: the card may be taken away. */
const SIGNALS: Partial<Record<TapState, ReaderSignal>> = { faceCheck: 'done', failed: 'failed' };

/** Answers how to stop. */
export function signalTapEnds(gateway: Pick<Gateway, 'subscribe'>, reader: Signaller): () => void {
  let last = '';
  return gateway.subscribe(({ tap }: Pick<GatewaySnapshot, 'tap'>) => {
    const now = tap === undefined ? '' : `${tap.tapId} ${tap.state}`;
    if (now === last) return;
    last = now;
    const signal = tap && SIGNALS[tap.state];
    // Nobody waits for light and sound.
    if (signal !== undefined) void reader.signal(signal);
  });
}
