import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { silentLogger } from '#ports/logger.ts';
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from './frames.ts';
import type { LinkEvent } from './link.ts';
import { SamClient } from './sam-client.ts';
import { SocketLink } from './socket-link.ts';
import { type RunningServer, serveBroker } from './socket-server.ts';
import { BrokerRig } from './testing/broker-rig.ts';

let folder: string;
let path: string;
let rig: BrokerRig;
let server: RunningServer;
const never = new AbortController().signal;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-socket-'));
  path = join(folder, 'broker.sock');
  rig = await BrokerRig.make();
  server = await serveBroker(rig.broker, path, silentLogger);
});
afterEach(async () => {
  await server.close();
  await rig.close();
  rmSync(folder, { recursive: true });
});

async function rawClient(): Promise<Socket> {
  const socket = connect(path);
  socket.on('error', () => {});
  await once(socket, 'connect');
  return socket;
}

/** Resolves when the broker has hung up. */
async function hungUp(socket: Socket): Promise<void> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close');
}

async function untilWiped(times = 1): Promise<void> {
  while (rig.wipes.length < times) await new Promise(setImmediate);
}

test('over the socket as in process: a whole use of the organisation key, and the meter of the SAM', async () => {
  const client = new SamClient(new SocketLink(path));
  const sam = await client.open(never);
  const question = await client.lease.question();
  const answer = Buffer.from(rig.anchor.answer(Buffer.from(question).toString('hex')), 'hex');
  expect((await client.lease.answer(answer)).verdict).toBe('granted');
  await sam.updateRoster(Buffer.from(rig.roster(1), 'hex'));
  const challenge = Buffer.from(await sam.challenge()).toString('hex');
  await sam.unlockOnline(Buffer.from(rig.grant(challenge), 'hex'));
  expect(await sam.status()).toMatchObject({ state: 'unlocked-online', brokerRosterVersion: 1 });
  await rig.signIn();
  await client.readAhead();
  const { powerUp: _, ...use } = { powerUp: 0, ...rig.use() };
  const proof = await sam.signForCard({ ...use, cardChallenge: new Uint8Array(16) } as never);
  expect(proof.consentDigest).toHaveLength(32);
  expect(sam.meter.count).toBeGreaterThan(8);
  await expect(sam.signForCard({ ...use, cardChallenge: new Uint8Array(16) } as never)).rejects.toMatchObject(
    {
      code: 'tap.consent-missing',
      context: { reason: 'tap used' },
    },
  );
  await client.close();
  await untilWiped();
});

test('is a file of the owner alone', () => {
  expect(statSync(path).mode & 0o777).toBe(0o600);
});

describe('the client goes', () => {
  test('and the power with it, in the middle of whatever', async () => {
    const client = new SamClient(new SocketLink(path));
    await client.open(never);
    expect(rig.sam.isPowered).toBe(true);
    await client.close();
    await untilWiped();
    expect(rig.wipes).toEqual(['client-gone']);
    expect(rig.sam.isPowered).toBe(false);
  });

  test('and the next one finds everything shut', async () => {
    await rig.ready();
    (await rawClient()).destroy();
    await untilWiped();
    const next = new SamClient(new SocketLink(path));
    const sam = await next.open(never);
    expect((await sam.status()).state).toBe('locked');
    await next.close();
    await untilWiped(2);
  });
});

test('a second client is not let in while there is one', async () => {
  const first = await rawClient();
  await hungUp(await rawClient());
  expect(first.destroyed).toBe(false);
  expect(rig.wipes).toEqual([]);
  first.destroy();
  await untilWiped();
});

describe('what is no request ends the conversation and takes the power off', () => {
  const request = (message: unknown): Uint8Array => encodeFrame(message);
  const header = (bytes: number): Buffer => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes);
    return length;
  };
  const open = { id: 1, do: 'open', ask: { isFresh: false } };
  test.each<[string, Uint8Array]>([
    ['a frame that announces too much', header(MAX_FRAME_BYTES + 1)],
    ['no JSON', Buffer.concat([header(3), Buffer.from('{x}')])],
    ['JSON of another kind', request([1, 2])],
    ['a field too many', request({ ...open, apdu: '00a40400' })],
    ['no id', request({ do: 'open', ask: {} })],
    ['a name that is too long', request({ ...open, do: 'x'.repeat(41) })],
    [
      'more at a time than a gateway asks',
      Buffer.concat(Array.from({ length: 40 }, (_, id) => Buffer.from(request({ ...open, id })))),
    ],
  ])('%s', async (_what, bytes) => {
    await rig.open();
    const socket = await rawClient();
    socket.write(bytes);
    await hungUp(socket);
    await untilWiped();
    expect(rig.sam.isPowered).toBe(false);
  });

  test('a command that is unknown or malformed is refused and leaves the line open', async () => {
    const socket = await rawClient();
    const frames = new FrameReader();
    const ask = async (message: unknown): Promise<unknown> => {
      socket.write(encodeFrame(message));
      const [chunk] = (await once(socket, 'data')) as [Buffer];
      return frames.push(chunk)[0];
    };
    for (const name of ['transmit', '__proto__', 'open']) {
      const answer = await ask({ id: 9, do: name, ask: { raw: '00' } });
      expect(answer).toMatchObject({ id: 9, error: { code: 'request.invalid' } });
    }
    socket.destroy();
    await untilWiped();
  });
});

test('a client that asks and never reads is hung up on, and the power goes off', async () => {
  await rig.open();
  let answered = 0;
  const handle = rig.broker.handle.bind(rig.broker);
  rig.broker.handle = (name, ask) =>
    handle(name, ask).finally(() => {
      answered += 1;
    });
  const socket = await rawClient();
  socket.pause();
  const asks = 16;
  const frame = encodeFrame({ id: 1, do: 'deviceCertificate', ask: { powerUp: rig.powerUp } });
  for (let asked = 0; asked < 3_000 && rig.wipes.length === 0; ) {
    // Fewer at a time than may be: what ends the conversation is that nobody reads.
    for (let one = 0; one < asks; one += 1) socket.write(frame);
    asked += asks;
    while (answered < asked && rig.wipes.length === 0) await new Promise(setImmediate);
  }
  expect(rig.wipes).toEqual(['client-gone']);
  expect(rig.sam.isPowered).toBe(false);
  socket.destroy();
});

test('frames are found however they are cut', () => {
  const messages = [{ a: 1 }, { b: 'あ'.repeat(1_000) }, {}];
  const stream = Buffer.concat(messages.map((message) => encodeFrame(message)));
  for (const size of [1, 2, 3, 5, 7, 1_000, stream.length]) {
    const frames = new FrameReader();
    const found: unknown[] = [];
    for (let at = 0; at < stream.length; at += size)
      found.push(...frames.push(stream.subarray(at, at + size)));
    expect(found).toEqual(messages);
  }
});

describe('the place of the socket', () => {
  const code = (wanted: string): object => expect.objectContaining({ code: wanted });
  const serve = (at: string): Promise<RunningServer> => serveBroker(rig.broker, at, silentLogger);

  test('must not be one where others can put a socket of their own', async () => {
    chmodSync(folder, 0o770);
    await expect(serve(join(folder, 'other.sock'))).rejects.toEqual(code('config.invalid'));
    chmodSync(folder, 0o700);
  });

  test('is not taken from a broker that lives, nor from what is no socket', async () => {
    await expect(serve(path)).rejects.toEqual(code('config.invalid'));
    writeFileSync(join(folder, 'file'), '');
    await expect(serve(join(folder, 'file'))).rejects.toEqual(code('config.invalid'));
    await untilWiped();
  });

  test('is taken over from one that was killed', async () => {
    const stale = join(folder, 'stale.sock');
    const program = `require('net').createServer().listen(${JSON.stringify(stale)}, () => process.kill(process.pid, 9))`;
    spawnSync(process.execPath, ['-e', program]);
    expect(statSync(stale).isSocket()).toBe(true);
    const other = await serve(stale);
    await other.close();
  });
});

describe('the link', () => {
  test('says that the broker is gone, refuses what was under way, and comes back with it', async () => {
    const link = new SocketLink(path);
    const events: LinkEvent[] = [];
    link.onEvent((event) => events.push(event));
    await link.call('open', { isFresh: false });
    await server.close();
    while (!events.some(({ event }) => event === 'gone')) await new Promise(setImmediate);
    await expect(link.call('cancelOpen', {})).rejects.toMatchObject({ code: 'sam.broker-unreachable' });
    server = await serveBroker(rig.broker, path, silentLogger);
    await link.call('open', { isFresh: false });
    await link.close();
    await untilWiped(2);
  });
});
