import { describe, expect, test } from 'vitest';
import { silentLogger } from '#ports/logger.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { type Acquaintance, finish, Renewal } from './renewal.ts';

const NOBODY: Acquaintance = { patients: false, operator: false };
const OPEN: Acquaintance = { patients: true, operator: false };
const AT_WORK: Acquaintance = { patients: true, operator: true };
const WITHOUT_SAM: Acquaintance = { patients: false, operator: true };

/** After which of them it is due; 0 for never. */
function dueAfter(...life: Acquaintance[]): number {
  const renewal = new Renewal();
  return (
    1 +
    life.findIndex((each) => {
      renewal.note(each);
      return renewal.isDue;
    })
  );
}

describe('the end of a process that is locked', () => {
  test('never comes to one that met nobody', () => {
    expect(dueAfter(NOBODY, NOBODY, NOBODY)).toBe(0);
  });

  test('comes when patient data is shut, whoever is signed in', () => {
    expect(dueAfter(NOBODY, OPEN, NOBODY)).toBe(3);
    expect(dueAfter(OPEN, AT_WORK, NOBODY)).toBe(3);
    expect(dueAfter(OPEN, AT_WORK, WITHOUT_SAM)).toBe(3);
  });

  test('does not come with a sign-out, as long as patient data is open', () => {
    expect(dueAfter(OPEN, AT_WORK, OPEN, AT_WORK, OPEN)).toBe(0);
  });

  test('comes with the sign-out of somebody who worked without a SAM', () => {
    expect(dueAfter(NOBODY, WITHOUT_SAM, WITHOUT_SAM, NOBODY)).toBe(4);
    expect(dueAfter(WITHOUT_SAM, AT_WORK, OPEN)).toBe(0);
  });

  test('is not taken back, and told once it is there', async () => {
    const renewal = new Renewal();
    renewal.note(OPEN);
    renewal.note(NOBODY);
    renewal.note(OPEN);
    expect(renewal.isDue).toBe(true);
    await renewal.due;
  });
});

describe('before it', () => {
  test('what is under way is finished', async () => {
    const clock = new VirtualClock(0);
    let isClosed = false;
    await finish(
      async () => {
        await Promise.resolve();
        isClosed = true;
      },
      clock,
      silentLogger,
    );
    expect(isClosed).toBe(true);
    expect(clock.isQuiet).toBe(true);
  });

  test('what never ends, and what fails, is not waited for', async () => {
    const clock = new VirtualClock(0);
    const said: string[] = [];
    const logger = { ...silentLogger, error: (event: string) => void said.push(event) };
    const finishing = finish(() => new Promise(() => {}), clock, logger);
    await clock.advance(8_000);
    await finishing;
    await finish(() => Promise.reject(new Error('no disk')), clock, logger);
    expect(said).toEqual(['renewal.late', 'renewal.not-closed']);
    expect(clock.isQuiet).toBe(true);
  });
});
