/** The lease over IPv6: the anchor at a unique local address and at a link-local one, with the same watch as over IPv4. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DeviceBook } from '#anchor/device-book.ts';
import { openIdentity } from '#anchor/identity.ts';
import {
  ANCHOR_PORT,
  BOX_DEVICE,
  bundle,
  cleanUpLab,
  ip,
  isLease,
  isLoss,
  type Lab,
  labFolder,
  openLab,
  type Program,
  runIn,
  watchIn,
} from './testing/network-lab.ts';

const DEVICE_ID = '5345534841303031';
const GATEWAY = 'fd77::fe';
const OTHER_GATEWAY = 'fd77::fd';
/** Each with the address of the anchor as it binds to it, and as the box asks it. */
const PLACES = [
  ['unique local', 'fd77::1', 'fd77::1'],
  ['link-local', 'fe80::77:1%clinic0', `fe80::77:1%${BOX_DEVICE}`],
] as const;
let folder: string;
let lab: Lab;
let program: string;
let anchorProgram: string;
let anchor: Program | undefined;
let watcher: Program | undefined;

const onBox = (...words: string[]): string => ip('-n', lab.box, ...words);
const onClinic = (...words: string[]): string => ip('-n', lab.clinic, ...words);

beforeAll(async () => {
  folder = labFolder();
  lab = openLab('ipv6');
  program = await bundle(new URL('./testing/watch-program.ts', import.meta.url), folder);
  anchorProgram = await bundle(new URL('../../anchor/main.ts', import.meta.url), folder);
  // Without duplicate address detection (nodad) they can be used at once.
  onBox('-6', 'addr', 'add', 'fd77::5/64', 'dev', BOX_DEVICE, 'nodad');
  onBox('-6', 'addr', 'add', 'fe80::77:5/64', 'dev', BOX_DEVICE, 'nodad');
  onClinic('-6', 'addr', 'add', 'fd77::1/64', 'dev', 'clinic0', 'nodad');
  onClinic('-6', 'addr', 'add', 'fe80::77:1/64', 'dev', 'clinic0', 'nodad');
  onBox('-6', 'route', 'add', 'default', 'via', GATEWAY);
});
afterAll(async () => {
  await watcher?.stop();
  await anchor?.stop();
  cleanUpLab();
});

async function lose(cause: () => unknown, undo: () => unknown): Promise<unknown> {
  watcher!.skip();
  await cause();
  const { reason } = await watcher!.next(isLoss);
  await undo();
  await watcher!.next(isLease);
  return reason;
}

describe.each(PLACES)('with the anchor at a %s address', (_name, bound, asked) => {
  beforeAll(async () => {
    await watcher?.stop();
    await anchor?.stop();
    const state = join(folder, 'anchor');
    const { publicKeyPem } = openIdentity(state);
    new DeviceBook(state).set(DEVICE_ID, 'registered');
    anchor = runIn(lab.clinic, anchorProgram, 'start', '--folder', state, '--host', bound);
    await anchor.next(({ event }) => event === 'started');
    watcher = watchIn(lab.box, program, {
      device: BOX_DEVICE,
      anchor: { host: asked, port: ANCHOR_PORT },
      deviceId: DEVICE_ID,
      publicKeyPem,
      // The longest: what the test does ends the lease, and not a busy machine.
      graceMs: 15_000,
      askEveryMs: 200,
    });
    await watcher.next(isLease);
  });

  test.each([
    [
      'address-changed',
      ['-6', 'addr', 'add', 'fd78::5/64', 'dev', BOX_DEVICE, 'nodad'],
      ['-6', 'addr', 'del', 'fd78::5/64', 'dev', BOX_DEVICE],
    ],
    [
      'gateway-changed',
      ['-6', 'route', 'replace', 'default', 'via', OTHER_GATEWAY],
      ['-6', 'route', 'replace', 'default', 'via', GATEWAY],
    ],
  ] as const)('it ends at once: %s by ip %j', async (reason, cause, undo) => {
    expect(
      await lose(
        () => onBox(...cause),
        () => onBox(...undo),
      ),
    ).toBe(reason);
    // Undone in a lease of the other place: that is a change too, and over before the next test begins.
    await watcher!.next(isLease, 2_000).catch(() => undefined);
  });

  test('it ends when the gateway has another MAC', async () => {
    watcher!.skip();
    let isLost = false;
    const loss = watcher!.next(isLoss, 20_000).finally(() => {
      isLost = true;
    });
    // The first is news only to somebody who has looked before: one after the other, until it is noticed.
    for (let count = 1; !isLost; count++) {
      const mac = `02:5e:00:00:00:${count.toString(16).padStart(2, '0')}`;
      onBox('-6', 'neigh', 'replace', GATEWAY, 'lladdr', mac, 'dev', BOX_DEVICE, 'nud', 'reachable');
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    expect((await loss).reason).toBe('gateway-changed');
    await watcher!.next(isLease);
    // The last of them may be noticed after the first: a change too, and over before the next test begins.
    await watcher!.next(isLoss, 2_000).then(
      () => watcher!.next(isLease),
      () => undefined,
    );
  });

  test('it lives through addresses for privacy that come and go, and through IPv4', async () => {
    const changes = (): unknown[] =>
      watcher!.told.filter(({ reason }) => reason === 'address-changed' || reason === 'gateway-changed');
    const before = changes().length;
    // As the kernel marks what is not preferred any more; RFC 8981 addresses end like this every day.
    onBox('-6', 'addr', 'add', 'fd77::beef/64', 'dev', BOX_DEVICE, 'nodad', 'preferred_lft', '0');
    onBox('addr', 'add', '10.77.9.5/24', 'dev', BOX_DEVICE);
    await new Promise((resolve) => setTimeout(resolve, 700));
    onBox('-6', 'addr', 'del', 'fd77::beef/64', 'dev', BOX_DEVICE);
    onBox('addr', 'del', '10.77.9.5/24', 'dev', BOX_DEVICE);
    await new Promise((resolve) => setTimeout(resolve, 700));
    expect(changes()).toHaveLength(before);
  });
});
