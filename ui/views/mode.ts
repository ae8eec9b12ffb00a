/** The three worlds in words. */
import type { Mode } from '#contract/snapshot.ts';
import { type TextKey, t } from '../messages.ts';

const MODES: Readonly<Record<Mode, TextKey>> = {
  online: 'modeOnline',
  degraded: 'modeDegraded',
  offline: 'modeOffline',
};

export function modeText(mode: Mode): string {
  return t(MODES[mode]);
}
