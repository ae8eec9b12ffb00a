/** The lease over IPv6: the anchor at a unique local address and at a link-local one, with the same watch as over IPv4. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
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
  // The address that the kernel gives each link is there a second or two later, which would be a change in the middle of a test.
  await vi.waitFor(() => expect(onBox('-6', 'addr', 'show', 'dev', BOX_DEVICE, 'tentative')).toBe(''), {
    timeout: 30_000,
  });
});
afterAll(async () => {
  await watcher?.stop();
  await anchor?.stop();
  cleanUpLab();
});

/** Why the lease ended; the next one has begun, in the place as it is now. */
async function lose(...change: readonly string[]): Promise<unknown> {
  watcher!.skip();
  onBox('-6', ...change);
  const { reason } = await watcher!.next(isLoss);
  await watcher!.next(isLease);
  return reason;
}

const OTHER_ADDRESS = ['fd78::5/64', 'dev', BOX_DEVICE] as const;
const GO = ['addr', 'add', ...OTHER_ADDRESS, 'nodad'] as const;
const RETURN = ['addr', 'del', ...OTHER_ADDRESS] as const;

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
    ['address-changed', GO, RETURN],
    [
      'gateway-changed',
      ['route', 'replace', 'default', 'via', OTHER_GATEWAY],
      ['route', 'replace', 'default', 'via', GATEWAY],
    ],
  ] as const)('it ends at once: %s by ip %j', async (reason, go, back) => {
    expect(await lose(...go)).toBe(reason);
    // In a lease of the other place: that is a change too.
    expect(await lose(...back)).toBe(reason);
  });

  test('it ends when the gateway has another MAC', async () => {
    const neighbour = (mac: string): string[] => [
      'neigh',
      'replace',
      GATEWAY,
      'lladdr',
      mac,
      'dev',
      BOX_DEVICE,
      'nud',
      'reachable',
    ];
    const known = neighbour('02:5e:00:00:00:01');
    onBox('-6', ...known);
    // Another MAC is news only to somebody who knows this one: each change has the watcher look at everything.
    await lose(...GO);
    await lose(...RETURN);
    expect(await lose(...neighbour('02:5e:00:00:00:02'))).toBe('gateway-changed');
    // And it is home again for who comes next.
    expect(await lose(...known)).toBe('gateway-changed');
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
