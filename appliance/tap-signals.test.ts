import { expect, test } from 'vitest';
import type { ReaderSignal } from '#card/channel.ts';
import type { GatewaySnapshot, TapState } from '#contract/snapshot.ts';
import { signalTapEnds } from './tap-signals.ts';

test('one signal for each end of a tap, however often it is shown', () => {
  const listeners = new Set<(snapshot: GatewaySnapshot) => void>();
  const signals: ReaderSignal[] = [];
  const stop = signalTapEnds(
    {
      subscribe: (listener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    },
    { signal: async (signal) => void signals.push(signal) },
  );
  const show = (tapId: string, ...states: TapState[]): void => {
    for (const state of states) {
      const snapshot = { tap: { tapId, state, startedAt: '', steps: [] } } as unknown as GatewaySnapshot;
      for (const listener of listeners) listener(snapshot);
    }
  };
  show('a', 'waitingForConsent', 'waitingForCard', 'reading', 'faceCheck', 'faceCheck', 'recording', 'done');
  show('b', 'reading', 'failed', 'failed');
  show('c', 'faceCheck');
  expect(signals).toEqual(['done', 'failed', 'done']);
  stop();
  expect(listeners.size).toBe(0);
});
