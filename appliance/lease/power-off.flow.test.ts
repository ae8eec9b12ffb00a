/** From the cable to the SAM: watcher, broker, pcscd and a SAM that notes when its power goes, in network namespaces. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DeviceBook } from '#anchor/device-book.ts';
import { openIdentity } from '#anchor/identity.ts';
import { BrokerProcess } from '#broker/testing/broker-process.ts';
import { CLINIC } from '#clinic/identity.ts';
import type { CarriedProgramOptions } from './testing/carried-program.ts';
import {
  ANCHOR_HOST,
  ANCHOR_PORT,
  BOX_DEVICE,
  bundle,
  cleanUpLab,
  ip,
  type Lab,
  labFolder,
  openLab,
  type Program,
  quantiles,
  runIn,
} from './testing/network-lab.ts';

const GRACE_MS = 1_000;
let run: BrokerProcess;
let lab: Lab;
let anchor: Program;
let box: Program;

beforeAll(async () => {
  const folder = labFolder();
  lab = openLab('power');
  const state = join(folder, 'anchor');
  run = await BrokerProcess.make();
  writeFileSync(join(run.folder, 'anchor.pem'), openIdentity(state).publicKeyPem);
  await run.startBroker(GRACE_MS);
  const anchorProgram = await bundle(new URL('../../anchor/main.ts', import.meta.url), folder);
  anchor = runIn(lab.clinic, anchorProgram, 'start', '--folder', state, '--host', ANCHOR_HOST);
  await anchor.next(({ event }) => event === 'started');
  const options: CarriedProgramOptions = {
    device: BOX_DEVICE,
    anchor: { host: ANCHOR_HOST, port: ANCHOR_PORT },
    brokerSocket: join(run.folder, 'broker.sock'),
    graceMs: GRACE_MS,
    askEveryMs: 300,
  };
  const program = await bundle(new URL('./testing/carried-program.ts', import.meta.url), folder);
  new DeviceBook(state).set(CLINIC.samId, 'registered');
  box = runIn(lab.box, program, JSON.stringify(options));
  const { samId } = await box.next(({ event }) => event === 'started');
  expect(samId).toBe(CLINIC.samId);
  await box.next(({ event }) => event === 'powered', 20_000);
});
afterAll(async () => {
  await box?.stop();
  await anchor?.stop();
  await run?.stop();
  cleanUpLab();
});

async function losePower(cause: () => unknown, undo: () => unknown): Promise<number> {
  expect(run.sam.isPowered).toBe(true);
  box.skip();
  const sinceMs = performance.now();
  cause();
  const afterMs = await run.sam.lossAfter(sinceMs);
  undo();
  await box.next(({ event }) => event === 'powered', 20_000);
  return afterMs;
}

async function measure(
  what: string,
  times: number,
  cause: () => unknown,
  undo: () => unknown,
): Promise<void> {
  const measured: number[] = [];
  for (let count = 0; count < times; count++) measured.push(await losePower(cause, undo));
  process.stdout.write(`${what} -> SAM without power: ${quantiles(measured)}\n`);
  expect(measured).toHaveLength(times);
}

test('the cable is pulled, a hundred times: a hundred times the SAM loses its power', async () => {
  const cable = (state: 'up' | 'down'): string =>
    ip('-n', lab.clinic, 'link', 'set', lab.clinicDevice, state);
  await measure(
    'link down',
    100,
    () => cable('down'),
    () => cable('up'),
  );
}, 240_000);

test('the anchor hangs: the SAM loses its power within the grace', async () => {
  await measure(
    `anchor silent (grace ${GRACE_MS} ms)`,
    10,
    () => anchor.child.kill('SIGSTOP'),
    () => anchor.child.kill('SIGCONT'),
  );
}, 120_000);
