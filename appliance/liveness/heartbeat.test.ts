import { expect, test } from 'vitest';
import { silentLogger } from '#ports/logger.ts';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { beat, type SelfCheck, type Supervisor } from './heartbeat.ts';

class ScriptedSupervisor implements Supervisor {
  readonly watchdogMs: number | undefined;
  readonly said: string[] = [];

  constructor(watchdogMs?: number) {
    this.watchdogMs = watchdogMs;
  }

  ready(): void {
    this.said.push('ready');
  }
  feed(): void {
    this.said.push('feed');
  }
  stopping(): void {
    this.said.push('stopping');
  }
}

interface Scene {
  readonly supervisor: ScriptedSupervisor;
  readonly clock: VirtualClock;
  readonly wrong: string[];
  stop(): Promise<void>;
}

function start(checks: readonly SelfCheck[], watchdogMs?: number): Scene {
  const supervisor = new ScriptedSupervisor(watchdogMs);
  const clock = new VirtualClock(0);
  const wrong: string[] = [];
  const logger = {
    ...silentLogger,
    error: (_event: string, fields: Readonly<Record<string, unknown>> = {}) =>
      void wrong.push(String(fields.check)),
  };
  const stop = new AbortController();
  const beating = beat({ supervisor, checks, clock, logger }, stop.signal);
  return {
    supervisor,
    clock,
    wrong,
    async stop() {
      stop.abort();
      await beating;
      expect(clock.isQuiet).toBe(true);
    },
  };
}

test('says ready and nothing more when nobody watches', async () => {
  const { supervisor, stop } = start([]);
  await stop();
  expect(supervisor.said).toEqual(['ready']);
});

test('feeds three times in a period while all is well', async () => {
  const { supervisor, clock, stop } = start([{ name: 'store', run: () => {} }], 6_000);
  await clock.advance(6_000);
  expect(supervisor.said.filter((word) => word === 'feed')).toHaveLength(4);
  await stop();
});

test('lets the watchdog bite while a check fails, and feeds again when it is mended', async () => {
  let isBroken = true;
  const store: SelfCheck = {
    name: 'store',
    run() {
      if (isBroken) throw new Error('no disk');
    },
  };
  const { supervisor, clock, wrong, stop } = start([{ name: 'lease', run: () => {} }, store], 6_000);
  await clock.advance(6_000);
  expect(supervisor.said).toEqual(['ready']);
  expect(new Set(wrong)).toEqual(new Set(['store']));
  isBroken = false;
  await clock.advance(2_000);
  expect(supervisor.said).toEqual(['ready', 'feed']);
  await stop();
});

test('a check that never ends is a check that failed', async () => {
  const { supervisor, clock, wrong, stop } = start(
    [{ name: 'sam', run: () => new Promise(() => {}) }],
    6_000,
  );
  await clock.advance(4_000);
  expect(supervisor.said).toEqual(['ready']);
  expect(wrong[0]).toBe('sam');
  await stop();
});
