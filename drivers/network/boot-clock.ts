/** Time since the system started, suspended time included (CLOCK_BOOTTIME). @see proc(5) on uptime */
import { readFileSync } from 'node:fs';
import type { BootClock } from '#ports/surroundings.ts';

export const procBootClock: BootClock = () => {
  try {
    return Number.parseFloat(readFileSync('/proc/uptime', 'latin1')) * 1_000;
  } catch {
    return undefined;
  }
};
