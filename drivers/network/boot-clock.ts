/**
 * Time since the system started, suspended time included: libuv reads /proc/uptime, or CLOCK_BOOTTIME in whole seconds where a
 * hardened unit hides that file. @see proc(5) on uptime, clock_gettime(2)
 */
import { uptime } from 'node:os';
import type { BootClock } from '#ports/surroundings.ts';

export const systemBootClock: BootClock = () => uptime() * 1_000;
