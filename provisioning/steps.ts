/** What a provisioning step is, and how steps run: look, change only when needed, check. */

export interface Step {
  /** One line for the technician: what will be true afterwards. */
  readonly describe: string;
  /** True when nothing is left to do. */
  check(): Promise<boolean>;
  apply(): Promise<void>;
  /** Rejects when the step did not do what it says. */
  verify(): Promise<void>;
}

export type StepOutcome = 'already done' | 'done';

/** Runs `steps` in order and stops at the first that fails; running again goes on from there. */
export async function runSteps(
  steps: readonly Step[],
  report: (step: Step, outcome: StepOutcome) => void = () => {},
): Promise<void> {
  for (const step of steps) {
    report(step, await runStep(step));
  }
}

async function runStep(step: Step): Promise<StepOutcome> {
  if (await step.check()) {
    return 'already done';
  }
  await step.apply();
  await step.verify();
  return 'done';
}
