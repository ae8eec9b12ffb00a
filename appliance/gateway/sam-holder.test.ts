import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { SamHolder } from './sam-holder.ts';
import { testRegion } from './testdata/region.ts';
import { WatchedCard } from './testdata/watched-card.ts';

let slot: SimulatedReader;
let sam: WatchedCard;
let holder: SamHolder;
const never = new AbortController().signal;

beforeEach(async () => {
  const { samState } = await testRegion();
  slot = new SimulatedReader();
  sam = new WatchedCard(new SimulatedSam({ state: structuredClone(samState) }));
  slot.insert(sam);
  holder = new SamHolder(slot);
});
afterEach(async () => {
  await holder.close();
  expect(sam.isPowered).toBe(false);
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
    slot.faults.push({
      name: 'no',
      handle: () => Promise.resolve({ kind: 'answer', bytes: Uint8Array.of(0x6f, 0) }),
    });
    await expect(holder.open(never)).rejects.toMatchObject({ code: 'sam.failed' });
    expect(sam.isPowered).toBe(false);
    slot.faults.length = 0;
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
    slot.remove();
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
  await holder.readAhead();
  const reads = (): number => sam.commands.filter(({ ins, p2 }) => ins === 0xca && p2 >= 0x30).length;
  const before = reads();
  await expect(holder.organisationCertificate('p384-sha384')).rejects.toMatchObject({ code: 'sam.locked' });
  expect(reads()).toBe(before + 1);
});

test('the device certificate is read once for each power-up', async () => {
  await holder.open(never);
  const reads = (): number => sam.commands.filter(({ ins, p2 }) => ins === 0xca && p2 === 0x21).length;
  const first = await holder.deviceCertificate();
  expect(await holder.deviceCertificate()).toEqual(first);
  expect(reads()).toBe(1);
});
