/** The exhaustive map from effect to deed. */
import type { ErrorCode } from '#contract/errors.ts';
import type { Effect } from './machine.ts';

export interface EffectRunner {
  powerOffSam(reason: string): Promise<void>;
  lockSam(reason: string): Promise<void>;
  abortTap(error: ErrorCode): Promise<void>;
  dropSessions(error: ErrorCode): Promise<void>;
  recordSamLocked(reason: string, waitsForPerson: boolean): Promise<void>;
  unlockOnline(): Promise<void>;
}

export function runEffect(effect: Effect, runner: EffectRunner): Promise<void> {
  switch (effect.do) {
    case 'powerOffSam':
      return runner.powerOffSam(effect.reason);
    case 'lockSam':
      return runner.lockSam(effect.reason);
    case 'abortTap':
      return runner.abortTap(effect.error);
    case 'dropSessions':
      return runner.dropSessions(effect.error);
    case 'recordSamLocked':
      return runner.recordSamLocked(effect.reason, effect.waitsForPerson === true);
    case 'unlockOnline':
      return runner.unlockOnline();
  }
}
