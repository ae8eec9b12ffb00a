import { readFileSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isLeasable, type LeaseInput, type LeaseState, networkFact, transition } from './rules.ts';

const NOW_MS = 10_000;
const GRACE_MS = 3_000;
const NOW = { nowMs: NOW_MS, graceMs: GRACE_MS };

/** One representative of each age that means something: none, young, old but in force, just over. */
const AGES = { none: undefined, young: 9_900, old: 7_001, over: 7_000 } as const;
type Age = keyof typeof AGES;

function statesOf(age: Age): readonly LeaseState[] {
  const states = (['up', 'down'] as const).flatMap((link) =>
    (['seeing', 'blind'] as const).flatMap((watch) =>
      (['closed', 'open'] as const).map((enclosure) => ({
        grantedAtMs: AGES[age],
        barredUntilMs: age === 'none' ? 9_500 : 1_000,
        link,
        watch,
        enclosure,
      })),
    ),
  );
  // A lease exists only where one may be.
  return age === 'none' ? states : states.filter(isLeasable);
}

const INPUTS: readonly LeaseInput[] = [
  { type: 'granted', askedAtMs: 9_950 },
  { type: 'granted', askedAtMs: 9_400 },
  { type: 'granted', askedAtMs: 7_000 },
  { type: 'granted', askedAtMs: 10_001 },
  { type: 'refused', because: 'device-not-registered' },
  { type: 'refused', because: 'device-revoked' },
  { type: 'anchorReplaced' },
  { type: 'linkUp' },
  { type: 'linkDown' },
  { type: 'placeChanged', what: 'address-changed' },
  { type: 'placeChanged', what: 'gateway-changed' },
  { type: 'placeChanged', what: 'wireless-changed' },
  { type: 'placeChanged', what: 'dhcp-server-changed' },
  { type: 'timeLeapt', what: 'suspended' },
  { type: 'timeLeapt', what: 'clock-jumped' },
  { type: 'enclosureOpened' },
  { type: 'enclosureClosed' },
  { type: 'watchBlind' },
  { type: 'watchSeeing' },
  { type: 'tick' },
];

const nameState = (state: LeaseState, age: string): string =>
  `lease=${age} link=${state.link} watch=${state.watch} enclosure=${state.enclosure}`;

function nameInput(input: LeaseInput): string {
  const detail =
    'askedAtMs' in input
      ? `${NOW_MS - input.askedAtMs} ms old`
      : 'because' in input
        ? input.because
        : 'what' in input
          ? input.what
          : '';
  return detail === '' ? input.type : `${input.type}(${detail})`;
}

function nameAge({ grantedAtMs }: LeaseState): string {
  return grantedAtMs === undefined ? 'none' : `${NOW_MS - grantedAtMs} ms old`;
}

describe('the rules of the lease', () => {
  test('the whole grid of states and inputs is the golden file', () => {
    const lines = (Object.keys(AGES) as Age[]).flatMap((age) =>
      statesOf(age).flatMap((before) => [
        `[${nameState(before, nameAge(before))}] ${networkFact(before)}`,
        ...INPUTS.map((input) => {
          const { state, change } = transition(before, input, NOW);
          const was = nameState(before, nameAge(before)).split(/ (?=link|watch|enclosure)/);
          const changed = nameState(state, nameAge(state))
            .split(/ (?=link|watch|enclosure)/)
            .filter((word, index) => word !== was[index]);
          const told =
            change === undefined ? '' : 'began' in change ? ' ! began' : ` ! ended ${change.ended}`;
          return `  ${nameInput(input)} -> ${networkFact(state)} ${changed.join(' ') || 'unchanged'}${told}`;
        }),
      ]),
    );
    const url = new URL('./testdata/rules.grid.txt', import.meta.url);
    const text = `${lines.join('\n')}\n`;
    if (process.env.UPDATE_GOLDEN === '1') writeFileSync(url, text);
    expect(text).toBe(readFileSync(url, 'utf8'));
  });

  const history = fc.array(
    fc.record({
      waitMs: fc.integer({ min: 0, max: 2_000 }),
      input: fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom(...INPUTS.filter(({ type }) => type !== 'granted')) },
        { weight: 2, arbitrary: fc.integer({ min: 0, max: 4_000 }).map((ageMs) => ({ ageMs })) },
      ),
    }),
    { maxLength: 60 },
  );

  function expectSound(before: LeaseState, input: LeaseInput, nowMs: number, endedAtMs: number) {
    const { state, change } = transition(before, input, { nowMs, graceMs: GRACE_MS });
    const hasEnded = change !== undefined && 'ended' in change;
    if (change !== undefined && !hasEnded) expect(input.type).toBe('granted');
    // Every lease that is gone was told, once.
    expect(before.grantedAtMs !== undefined && state.grantedAtMs === undefined).toBe(hasEnded);
    if (state.grantedAtMs !== undefined) {
      expect(isLeasable(state)).toBe(true);
      expect(nowMs - state.grantedAtMs).toBeLessThan(GRACE_MS);
      // What was asked before an end begins nothing after it.
      expect(state.grantedAtMs).toBeGreaterThan(endedAtMs);
    }
    return { state, endedAtMs: hasEnded ? nowMs : endedAtMs };
  }

  test('a lease is never older than the grace, and never where none may be', () => {
    fc.assert(
      fc.property(history, (steps) => {
        let state = statesOf('none')[0]!;
        let nowMs = 10_000;
        let endedAtMs = 9_500;
        for (const { waitMs, input } of steps) {
          nowMs += waitMs;
          const given =
            'ageMs' in input ? { type: 'granted' as const, askedAtMs: nowMs - input.ageMs } : input;
          ({ state, endedAtMs } = expectSound(state, given, nowMs, endedAtMs));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
