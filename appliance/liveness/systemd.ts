/** systemd as the supervisor of this process. The only file that names the library. @see sd_notify(3), sd_watchdog_enabled(3) */
import { createRequire } from 'node:module';
import type { Supervisor } from './heartbeat.ts';

interface SdNotify {
  ready(): void;
  watchdog(): void;
  /** Milliseconds; 0 without a watchdog. */
  watchdogInterval(): number;
  sendState(state: string): void;
}

const NOBODY: Supervisor = {
  watchdogMs: undefined,
  ready: () => {},
  feed: () => {},
  stopping: () => {},
};

/** The library is loaded only where systemd listens: elsewhere libsystemd need not even be there. */
export function systemdSupervisor(environment: NodeJS.ProcessEnv = process.env): Supervisor {
  if (environment.NOTIFY_SOCKET === undefined) return NOBODY;
  // It has no types of its own, and is CommonJS.
  const notify = createRequire(import.meta.url)('sd-notify') as SdNotify;
  const watchdogMs = notify.watchdogInterval();
  return {
    watchdogMs: watchdogMs > 0 ? watchdogMs : undefined,
    ready: () => notify.ready(),
    feed: () => notify.watchdog(),
    stopping: () => notify.sendState('STOPPING=1'),
  };
}
