import { describe, expect, it } from 'vitest';
import { runSteps, type Step } from './steps.ts';

/** A step that writes down what was asked of it; done once applied, unless it `fails` there. */
function recordedStep(name: string, log: string[], done = false, fails?: 'apply' | 'verify'): Step {
  let finished = done;
  const act = (verb: 'apply' | 'verify'): void => {
    log.push(`${name} ${verb}`);
    if (fails === verb) throw new Error(`${name} ${verb}`);
  };
  return {
    describe: name,
    check: async () => finished,
    apply: async () => {
      act('apply');
      finished = true;
    },
    verify: async () => act('verify'),
  };
}

describe('steps', () => {
  it('are applied and verified in order, and left alone when already done', async () => {
    const log: string[] = [];
    const outcomes: string[] = [];
    const steps = [recordedStep('a', log), recordedStep('b', log, true), recordedStep('c', log)];
    await runSteps(steps, (step, outcome) => outcomes.push(`${step.describe} ${outcome}`));
    expect(log).toEqual(['a apply', 'a verify', 'c apply', 'c verify']);
    expect(outcomes).toEqual(['a done', 'b already done', 'c done']);
    await runSteps(steps);
    expect(log).toHaveLength(4);
  });

  it.each(['apply', 'verify'] as const)('stop at the first that fails to %s', async (verb) => {
    const log: string[] = [];
    const steps = [recordedStep('a', log), recordedStep('b', log, false, verb), recordedStep('c', log)];
    await expect(runSteps(steps)).rejects.toThrow(`b ${verb}`);
    expect(log.at(-1)).toBe(`b ${verb}`);
  });
});
