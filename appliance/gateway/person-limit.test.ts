import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { PersonLimit, type PersonUse, type PersonUseMemory } from './person-limit.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const USES_PER_DAY = 3;

class Terminal {
  readonly clock = new VirtualClock(Date.UTC(2026, 10, 20));
  readonly #uses: PersonUse[] = [];
  readonly #memory: PersonUseMemory = {
    personUses: () => [...this.#uses],
    recordPersonUse: (use, forgetBeforeMs) => {
      const kept = this.#uses.filter(({ atMs }) => atMs > forgetBeforeMs);
      this.#uses.splice(0, this.#uses.length, ...kept, use);
    },
  };
  #limit = this.#start();

  #start(): PersonLimit {
    return new PersonLimit(this.#memory, USES_PER_DAY, this.clock);
  }

  restart(): void {
    this.#limit = this.#start();
  }

  /** The key is used, and then it is known for whom: also a refused one counts. */
  read(person: string): boolean {
    try {
      this.#limit.requireBelow(person);
      return true;
    } catch {
      return false;
    } finally {
      this.#limit.record(person);
    }
  }
}

describe('model', () => {
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.record({ read: fc.constantFrom('a', 'b') }) },
    { weight: 3, arbitrary: fc.record({ passMs: fc.integer({ min: 0, max: 9 * HOUR_MS }) }) },
    { weight: 2, arbitrary: fc.record({ setWallMs: fc.integer({ min: -400 * DAY_MS, max: 400 * DAY_MS }) }) },
    { weight: 2, arbitrary: fc.record({ restart: fc.constant(true) }) },
  );

  test('no clock and no restart gives a person more readings in any 24 hours', async () => {
    let allowed = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 60, maxLength: 60, size: 'max' }), async (steps) => {
        const terminal = new Terminal();
        const times: Record<string, number[]> = { a: [], b: [] };
        for (const each of steps) {
          if ('passMs' in each) await terminal.clock.advance(each.passMs);
          else if ('setWallMs' in each) terminal.clock.shiftWall(each.setWallMs);
          else if ('restart' in each) terminal.restart();
          else if (terminal.read(each.read)) {
            const nowMs = terminal.clock.monotonicMs();
            const seen = times[each.read] ?? [];
            seen.push(nowMs);
            allowed += 1;
            expect(seen.filter((atMs) => atMs > nowMs - DAY_MS).length).toBeLessThanOrEqual(USES_PER_DAY);
          }
        }
      }),
      { numRuns: 200 },
    );
    expect(allowed).toBeGreaterThan(200);
  });
});

test('a day of running time later it works again, and another person is not concerned', async () => {
  const terminal = new Terminal();
  expect([1, 2, 3, 4].map(() => terminal.read('a'))).toEqual([true, true, true, false]);
  expect(terminal.read('b')).toBe(true);
  await terminal.clock.advance(DAY_MS - 1);
  expect(terminal.read('a')).toBe(false);
  await terminal.clock.advance(DAY_MS);
  expect(terminal.read('a')).toBe(true);
});
