import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceBook } from '#anchor/device-book.ts';
import { openIdentity } from '#anchor/identity.ts';
import { tellFigure } from '#clinic/testing/figures.ts';
import {
  ANCHOR_HOST,
  ANCHOR_PORT,
  BOX_DEVICE,
  bundle,
  cleanUpLab,
  ip,
  isLease,
  isLoss,
  type Lab,
  labFolder,
  msBetween,
  openLab,
  type Program,
  quantiles,
  runIn,
  watchIn,
} from './testing/network-lab.ts';
import type { WatchProgramOptions } from './testing/watch-program.ts';

const DEVICE_ID = '5345534841303031';
const GRACE_MS = 600;
/** Where something else ends the lease, a busy machine does not end it first. */
const LONG_GRACE_MS = 15_000;
let folder: string;
let lab: Lab;
let anchor: Program;
let watcher: Program;
let program: string;
let tamperFile: string;
let options: WatchProgramOptions;

beforeAll(async () => {
  folder = labFolder();
  lab = openLab('lease');
  program = await bundle(new URL('./testing/watch-program.ts', import.meta.url), folder);
  const anchorProgram = await bundle(new URL('../../anchor/main.ts', import.meta.url), folder);
  const state = join(folder, 'anchor');
  const { publicKeyPem } = openIdentity(state);
  new DeviceBook(state).set(DEVICE_ID, 'registered');
  anchor = runIn(lab.clinic, anchorProgram, 'start', '--folder', state, '--host', ANCHOR_HOST);
  await anchor.next(({ event }) => event === 'started');
  tamperFile = join(folder, 'tamper');
  writeFileSync(tamperFile, '0\n');
  options = {
    device: BOX_DEVICE,
    anchor: { host: ANCHOR_HOST, port: ANCHOR_PORT },
    deviceId: DEVICE_ID,
    publicKeyPem,
    graceMs: GRACE_MS,
    askEveryMs: 200,
    tamperFile,
  };
});
afterAll(async () => {
  await anchor?.stop();
  cleanUpLab();
});

function useWatcher(graceMs: number): void {
  beforeAll(async () => {
    watcher = watchIn(lab.box, program, { ...options, graceMs });
    await watcher.next(isLease);
  });
  afterAll(() => watcher?.stop());
}

/** Does something and answers why the lease ended and how long after; then undoes it and waits for the next lease. */
async function lose(
  cause: () => unknown,
  undo: () => unknown = () => {},
): Promise<{ reason: string; afterMs: number }> {
  watcher.skip();
  const fromNs = process.hrtime.bigint();
  await cause();
  const told = await watcher.next(isLoss);
  await undo();
  await watcher.next(isLease);
  return { reason: String(told.reason), afterMs: msBetween(fromNs, told) };
}

const onBox = (...words: string[]): string => ip('-n', lab.box, ...words);

/** To another place and back: each way ends a lease, for the next one begins in the place that is there by then. */
async function goAndReturn(go: readonly string[], back: readonly string[]) {
  const there = await lose(() => onBox(...go));
  const home = await lose(() => onBox(...back));
  return { reasons: [there.reason, home.reason], afterMs: there.afterMs };
}

const OTHER_ADDRESS = ['10.77.1.5/24', 'dev', BOX_DEVICE] as const;
const cable = (state: 'up' | 'down'): string => ip('-n', lab.clinic, 'link', 'set', lab.clinicDevice, state);
/** Questions asked at an anchor that hangs are read when it goes on, and answered late. */
const freeze = (signal: 'SIGSTOP' | 'SIGCONT'): void => void anchor.child.kill(signal);

describe('the lease ends at once when', () => {
  useWatcher(LONG_GRACE_MS);

  test('the cable is pulled, a hundred times', async () => {
    const times: number[] = [];
    for (let count = 0; count < 100; count++) {
      const { reason, afterMs } = await lose(
        () => cable('down'),
        () => cable('up'),
      );
      expect(reason).toBe('link-down');
      times.push(afterMs);
    }
    process.stdout.write(`link down -> onLost: ${quantiles(times)}\n`);
  }, 180_000);

  test('the cable is pulled and back before the kernel tells', async () => {
    const { reason } = await lose(
      () => {
        cable('down');
        cable('up');
      },
      () => {},
    );
    expect(reason).toBe('link-down');
  });

  test.each([
    ['address-changed', ['addr', 'add', ...OTHER_ADDRESS], ['addr', 'del', ...OTHER_ADDRESS]],
    [
      'gateway-changed',
      ['route', 'replace', 'default', 'via', '10.77.0.253'],
      ['route', 'replace', 'default', 'via', '10.77.0.254'],
    ],
    ['gateway-changed', ['route', 'del', 'default'], ['route', 'replace', 'default', 'via', '10.77.0.254']],
  ] as const)('%s by ip %j', async (reason, go, back) => {
    const { reasons, afterMs } = await goAndReturn(go, back);
    expect(reasons).toEqual([reason, reason]);
    process.stdout.write(`${reason} -> onLost: ${afterMs.toFixed(1)} ms\n`);
  });

  test('the gateway has another MAC', async () => {
    const neighbour = (mac: string): string =>
      onBox('neigh', 'replace', '10.77.0.254', 'lladdr', mac, 'dev', BOX_DEVICE, 'nud', 'reachable');
    neighbour('02:5e:00:00:00:01');
    // Another MAC is news only to somebody who knows this one: each change has the watcher look at everything.
    await goAndReturn(['addr', 'add', ...OTHER_ADDRESS], ['addr', 'del', ...OTHER_ADDRESS]);
    const { reason } = await lose(() => neighbour('02:5e:00:00:00:99'));
    expect(reason).toBe('gateway-changed');
  });

  test('the enclosure opens', async () => {
    const { reason } = await lose(
      () => writeFileSync(tamperFile, '1\n'),
      () => writeFileSync(tamperFile, '0\n'),
    );
    expect(reason).toBe('tampered');
  });

  test('the monitor is killed; another takes its place', async () => {
    const { pid } = watcher.child;
    const { reason } = await lose(
      () => {
        const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ');
        process.kill(Number(child), 'SIGKILL');
      },
      () => {},
    );
    expect(reason).toBe('watch-blind');
  });
});

describe('the lease ends within the grace', () => {
  useWatcher(GRACE_MS);

  test('when the anchor hangs, and what it answers late begins nothing', async () => {
    const times: number[] = [];
    for (let count = 0; count < 20; count++) {
      const { reason, afterMs } = await lose(
        () => freeze('SIGSTOP'),
        () => freeze('SIGCONT'),
      );
      expect(reason).toBe('anchor-silent');
      times.push(afterMs);
    }
    process.stdout.write(`anchor silent (grace ${GRACE_MS} ms) -> onLost: ${quantiles(times)}\n`);
  }, 60_000);

  test('when the watcher hangs: it finds the lease over before it hears anything', async () => {
    const { reason } = await lose(
      async () => {
        watcher.child.kill('SIGSTOP');
        await new Promise((resolve) => setTimeout(resolve, GRACE_MS + 200));
        watcher.child.kill('SIGCONT');
      },
      () => {},
    );
    expect(reason).toBe('anchor-silent');
  });
});

test('a cloned network, the same to the last byte but for the key, gives no lease in a thousand tries', async () => {
  const clone = openLab('clone');
  const impostor = runIn(
    clone.clinic,
    await bundle(new URL('./testing/impostor.ts', import.meta.url), folder),
    JSON.stringify({ host: ANCHOR_HOST, port: ANCHOR_PORT, recordings: await recordAnswers() }),
  );
  await impostor.next(({ event }) => event === 'started');
  const there = watchIn(clone.box, program, { ...options, askEveryMs: 4 });
  await impostor.next(({ answered }) => Number(answered) >= 1_000, 100_000);
  await there.stop();
  const counts = await there.next(({ event }) => event === 'counts');
  process.stdout.write(
    `cloned network: ${JSON.stringify({ ...counts, atNs: undefined, event: undefined })}\n`,
  );
  tellFigure({ name: 'cloned-network-leases', value: Number(counts.granted ?? 0), unit: 'of 1000 tries' });
  expect(counts.granted).toBeUndefined();
  expect(Number(counts['wrong-key']) + Number(counts.ignored)).toBeGreaterThanOrEqual(990);
  expect(there.told.some(isLease)).toBe(false);
}, 120_000);

/** What an attacker took away who was in the clinic once, at the real anchor. */
async function recordAnswers(): Promise<string[]> {
  const recorder = runIn(
    lab.box,
    await bundle(new URL('./testing/recorder.ts', import.meta.url), folder),
    JSON.stringify(options),
  );
  const { recordings } = await recorder.next(({ event }) => event === 'recorded');
  await recorder.stop();
  return recordings as string[];
}
