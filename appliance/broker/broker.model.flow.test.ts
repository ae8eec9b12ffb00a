/** 10^5 steps of a gateway that does anything; the SAM's own log of commands is the oracle. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { tellFigure } from '#clinic/testing/figures.ts';
import { type Choice, openHostileGateway } from './testing/hostile-gateway.ts';

const RUNS = 500;
const STEPS = 200;
const choice: fc.Arbitrary<Choice> = fc.record({
  act: fc.nat(20),
  how: fc.nat(1_000),
  which: fc.nat(1_000),
});
/** Time passes between a question and its answer while no lease runs; all the rest is as it should be. */
const ANSWERED_LATER: Choice[] = [
  ...[1, 3].map((act) => ({ act, how: 0, which: 0 })),
  { act: 0, how: 2, which: 0 },
  ...[4, 9, 7, 8, 10, 11, 14].map((act) => ({ act, how: 0, which: 0 })),
];
const schedule = fc.array(choice, { minLength: STEPS, maxLength: STEPS, size: 'max' });

test('no use of the organisation key without fresh authorisation, consent and lease, and one card ID for each', async () => {
  const total = { steps: 0, uses: 0, honest: 0, full: 0, ids: 0 };
  await fc.assert(
    fc.asyncProperty(schedule, async (choices) => {
      const gateway = await openHostileGateway();
      for (const each of choices) {
        await gateway.run(each);
        total.steps += 1;
      }
      total.uses += gateway.rig.organisationKeyCommands;
      total.honest += gateway.honestUses;
      total.full += gateway.honestRefusals;
      total.ids += gateway.honestIds;
      await gateway.rig.close();
      expect(gateway.violations).toEqual([]);
    }),
    // The seed in the message shows it again; to shrink two hundred steps takes minutes.
    { numRuns: RUNS + 1, endOnFailure: true, examples: [[ANSWERED_LATER]] },
  );
  process.stdout.write(`hostile gateway: ${JSON.stringify(total)}\n`);
  tellFigure({ name: 'organisation-key-without-right', value: 0, unit: `of ${total.steps} steps` });
  // Not by refusing everything.
  expect(total.honest).toBeGreaterThan(RUNS);
  expect(total.uses).toBeGreaterThan(total.honest);
  expect(total.ids).toBe(total.honest);
}, 600_000);
