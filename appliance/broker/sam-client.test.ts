import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ask, CommandName } from './commands.ts';
import { type BrokerLink, linkInProcess } from './link.ts';
import { SamClient } from './sam-client.ts';
import { BrokerRig } from './testing/broker-rig.ts';

let rig: BrokerRig;
let holder: SamClient;
const never = new AbortController().signal;

beforeEach(async () => {
  rig = await BrokerRig.make();
  holder = new SamClient(linkInProcess(rig.broker));
});
afterEach(async () => {
  await holder.close();
  expect(rig.sam.isPowered).toBe(false);
});

describe('opening', () => {
  test('happens once for all who ask, and again after a power cycle with another nonce', async () => {
    const [one, other] = await Promise.all([holder.open(never), holder.open(never)]);
    expect(other).toBe(one);
    expect(await holder.open(never)).toBe(one);
    const cycled = holder.powerCycle(never);
    expect(holder.current).toBeUndefined();
    const next = await cycled;
    expect(Buffer.from(next.tickNonce)).not.toEqual(Buffer.from(one.tickNonce));
    await expect(one.status()).rejects.toMatchObject({ code: expect.stringMatching(/^sam\./) });
  });

  test('that fails leaves nothing powered, and the next one may succeed', async () => {
    rig.slot.faults.push({
      name: 'no',
      handle: () => Promise.resolve({ kind: 'answer', bytes: Uint8Array.of(0x6f, 0) }),
    });
    await expect(holder.open(never)).rejects.toMatchObject({ code: 'sam.failed' });
    expect(rig.sam.isPowered).toBe(false);
    rig.slot.faults.length = 0;
    expect((await holder.open(never)).samId).toBe(holder.samId);
  });

  test('is waited for by those who need the SAM, and refused at once when nobody opens it', async () => {
    await expect(holder.ready()).rejects.toMatchObject({ code: 'sam.absent' });
    expect(() => holder.require()).toThrow(expect.objectContaining({ code: 'sam.absent' }));
    const opening = holder.open(never);
    expect(await holder.ready()).toBe(await opening);
  });
});

describe('a loss', () => {
  test('is told once, also to who asks for it later; a power-off is none', async () => {
    await holder.open(never);
    await holder.powerOff();
    const stop = new AbortController();
    const waiting = holder.lost(stop.signal);
    stop.abort(new Error('nothing was lost'));
    await expect(waiting).rejects.toThrow('nothing was lost');
    await holder.open(never);
    rig.slot.remove();
    await holder.lost(never);
    expect(holder.current).toBeUndefined();
    expect(holder.institutionCode).toBe('9910000017');
  });
});

test('organisation certificates are read once for an unlock and not at all while locked', async () => {
  await holder.open(never);
  await expect(holder.organisationCertificate('rsa-2048-sha256')).rejects.toMatchObject({
    code: 'sam.locked',
  });
  await rig.open();
  await rig.lease();
  await rig.unlock();
  await holder.readAhead();
  const reads = (): number => rig.sam.commands.filter(({ ins, p2 }) => ins === 0xca && p2 >= 0x30).length;
  const before = reads();
  const certificate = await holder.organisationCertificate('p384-sha384');
  expect(await holder.organisationCertificate('p384-sha384')).toBe(certificate);
  expect(reads()).toBe(before);
});

describe('a wipe', () => {
  test('of the broker is told, and is a loss unless whoever is told opens the SAM anew', async () => {
    const told: string[] = [];
    await holder.open(never);
    holder.onWiped((reason) => told.push(reason));
    await rig.broker.wipe('anchor-silent');
    await holder.lost(never);
    expect(told).toEqual(['anchor-silent']);
    holder.onWiped(() => void holder.powerCycle(never));
    await holder.open(never);
    await rig.broker.wipe('anchor-silent');
    expect((await (await holder.ready()).status()).state).toBe('locked');
  });

  test('of its own is told to nobody', async () => {
    const told: string[] = [];
    await holder.open(never);
    holder.onWiped((reason) => told.push(reason));
    await holder.wipe('tampered');
    expect(told).toEqual([]);
    expect(holder.current).toBeUndefined();
  });
});

test('who does not wait any more gets no SAM that is powered later', async () => {
  rig.slot.remove();
  const patience = new AbortController();
  const opening = holder.open(patience.signal);
  patience.abort(new Error('enough'));
  await expect(opening).rejects.toThrow('enough');
  rig.slot.insert(rig.sam);
  await new Promise(setImmediate);
  expect(rig.sam.isPowered).toBe(false);
});

test('the device certificate is read once for each power-up', async () => {
  await holder.open(never);
  const reads = (): number => rig.sam.commands.filter(({ ins, p2 }) => ins === 0xca && p2 === 0x21).length;
  const first = await holder.deviceCertificate();
  expect(await holder.deviceCertificate()).toEqual(first);
  expect(reads()).toBe(1);
});

describe('a data key', () => {
  /** What passes between gateway and broker. */
  function watched(link: BrokerLink): { link: BrokerLink; seen: unknown[] } {
    const seen: unknown[] = [];
    const call: BrokerLink['call'] = async (name, ask) => {
      const answer = await link.call(name, ask);
      seen.push({ ask, answer });
      return answer;
    };
    return { seen, link: { call, close: () => link.close(), onEvent: link.onEvent, meter: link.meter } };
  }

  test('is in clear for the gateway alone: in no message of the broker, in no byte to or from the SAM', async () => {
    const { link, seen } = watched(linkInProcess(rig.broker));
    holder = new SamClient(link);
    const sam = await holder.open(never);
    await rig.open();
    await rig.lease();
    await rig.unlock();
    const wire: Uint8Array[] = [];
    rig.slot.faults.push({
      name: 'tap on the line',
      handle: async ({ command, run }) => {
        const bytes = await run();
        wire.push(command, bytes);
        return { kind: 'answer', bytes };
      },
    });
    const wrapped = await sam.generateDataKey();
    const secret = Buffer.from(await sam.unwrapDataKey(wrapped));
    expect(secret.equals(Buffer.from(await sam.unwrapDataKey(wrapped)))).toBe(true);

    // It would be found if it were there.
    expect(JSON.stringify(seen)).toContain(Buffer.from(wrapped).toString('hex'));
    expect(Buffer.concat(wire).includes(Buffer.from(wrapped))).toBe(true);
    expect(secret).toHaveLength(32);
    for (const part of [secret.subarray(0, 16), secret.subarray(16)]) {
      expect(JSON.stringify(seen)).not.toContain(part.toString('hex'));
      expect(JSON.stringify(seen)).not.toContain(part.toString('base64').slice(0, 20));
      expect(Buffer.concat(wire).includes(part)).toBe(false);
    }
  });

  test('is neither made nor given while locked, and the SAM is not even asked', async () => {
    const sam = await holder.open(never);
    await expect(sam.generateDataKey()).rejects.toMatchObject({ code: 'sam.locked' });
    await expect(sam.unwrapDataKey(new Uint8Array(40))).rejects.toMatchObject({ code: 'sam.locked' });
    expect(rig.sam.commands.filter(({ ins }) => ins === 0x14)).toEqual([]);
  });

  test.each<[string, (answer: Record<string, string>, earlier: object) => object]>([
    [
      'was altered',
      (answer) => ({
        ...answer,
        sealed: `${answer.sealed?.startsWith('0') ? 1 : 0}${answer.sealed?.slice(1)}`,
      }),
    ],
    ['was given before', (_answer, earlier) => earlier],
    ['has a point off the curve', (answer) => ({ ...answer, samPoint: `04${'11'.repeat(64)}` })],
  ])('is not taken from an answer that %s', async (_name, spoil) => {
    const link = linkInProcess(rig.broker);
    let earlier: object | undefined;
    const call = async (name: CommandName, ask: Ask<CommandName>): Promise<unknown> => {
      const answer = await link.call(name, ask);
      if (name !== 'unwrapDataKey') return answer;
      earlier ??= answer;
      return earlier === answer ? answer : spoil(answer as Record<string, string>, earlier);
    };
    holder = new SamClient({ ...link, call: call as BrokerLink['call'] });
    const sam = await holder.open(never);
    await rig.open();
    await rig.lease();
    await rig.unlock();
    const wrapped = await sam.generateDataKey();
    await sam.unwrapDataKey(wrapped);
    await expect(sam.unwrapDataKey(wrapped)).rejects.toMatchObject({ code: 'sam.failed' });
  });
});
