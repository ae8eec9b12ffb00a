import { afterEach, describe, expect, test } from 'vitest';
import type { TapResult } from '#contract/visit.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { relayedWith, withCopiedFiles } from '#drivers/simulated/clone.ts';
import { removeAfterApdus } from '#drivers/simulated/faults.ts';
import { readPerson } from '#drivers/simulated/people.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench, type TapWish } from './testdata/gateway-bench.ts';
import type { WatchedCard } from './testdata/watched-card.ts';

let bench: GatewayBench;
let caller: Caller;
afterEach(() => bench.close());

const TARO = readPerson('mihon-taro');
const NUMBER_B = TARO.verificationNumberB;
const ATTRIBUTES = {
  name: TARO.name,
  address: TARO.address,
  birthDate: TARO.birth.replaceAll('-', ''),
  sex: 'male',
} as const;
/** Secure messaging without an authenticated header. */
const CLA_SECURE = 0x08;

async function open(options: Parameters<typeof openGatewayBench>[0] = {}): Promise<void> {
  bench = await openGatewayBench({ limits: { tapsPerCardPerDay: 1_000 }, ...options });
  caller = await bench.signIn();
}

function imageOf(person: string): CardImage {
  const image = bench.region.wallet.get(person)?.image;
  if (image === undefined) throw new RangeError(`no card: ${person}`);
  return image;
}

async function tap(wish: TapWish, card = bench.card('mihon-taro')): Promise<TapResult | undefined> {
  return bench.tap(caller, card, wish);
}

function secureCommands({ commands }: WatchedCard): number {
  return commands.filter(({ cla }) => cla === CLA_SECURE).length;
}

/** The same card with so many tries left for the PIN of its text application. */
function pinTries(image: CardImage, left: number): CardImage {
  const copy = structuredClone(image);
  const text = copy.applications.find(({ kind }) => kind === 'text');
  for (const pin of text?.pins ?? []) if (pin.id === '0011') pin.triesLeft = left;
  return copy;
}

describe('the attributes of a new patient', () => {
  test('come with 照合番号B, once, to the clerk who finishes the tap; nothing of them is kept', async () => {
    await open();
    const visit = await tap({ numberB: NUMBER_B });
    expect(visit).toMatchObject({ outcome: 'accepted', cardAttributes: ATTRIBUTES });
    const { visitId } = visit!;
    expect(bench.gateway.tapVisit(visitId)).not.toHaveProperty('cardAttributes');
    expect(await bench.gateway.visit(caller, visitId)).not.toHaveProperty('cardAttributes');
    expect(bench.records.at(-1)).toMatchObject({
      attributesProof: { publicKeySha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
      holderCheck: 'same',
    });
    for (const value of [ATTRIBUTES.name, ATTRIBUTES.address, ATTRIBUTES.birthDate]) {
      expect(JSON.stringify(bench.records)).not.toContain(value);
      expect(bench.logLines.join('\n')).not.toContain(value);
      expect(JSON.stringify(bench.gateway.snapshot())).not.toContain(value);
    }
  });

  test('come with the PIN too, over secure messaging, and the photo stays closed', async () => {
    await open();
    const card = bench.card('mihon-taro');
    const visit = await tap({ pin: TARO.pin }, card);
    expect(visit).toMatchObject({ outcome: 'accepted', cardAttributes: ATTRIBUTES });
    expect(visit?.steps.map(({ name }) => name)).not.toContain('photo');
    expect(secureCommands(card)).toBeGreaterThan(5);
    const plain = bench.card('mihon-taro');
    await tap({ numberB: NUMBER_B }, plain);
    expect(secureCommands(plain)).toBe(0);
  });

  test('are not read when nobody asked, when the patient is known, or when no root vouches for them', async () => {
    await open();
    const [quiet, first, second] = ['quiet', 'first', 'second'].map(() => bench.card('mihon-taro'));
    const visit = await tap({}, quiet);
    expect(visit).not.toHaveProperty('cardAttributes');
    await tap({ numberB: NUMBER_B }, first);
    await bench.gateway.linkPatient(caller, visit?.cardId ?? '', '00012345', undefined);
    expect(await tap({ numberB: NUMBER_B }, second)).not.toHaveProperty('cardAttributes');
    expect(second!.commands.length).toBeLessThan(first!.commands.length);
    expect(second!.commands.length).toBeGreaterThan(quiet!.commands.length);
    await bench.close();
    await open({ change: (parts) => ({ ...parts, cardTextRoot: undefined }) });
    expect(await tap({ numberB: NUMBER_B })).not.toHaveProperty('cardAttributes');
  });

  test('do not come with a visit that was refused', async () => {
    await open();
    const faceCheck = { method: 'card-photo', result: 'mismatch' } as const;
    const visit = await tap({ numberB: NUMBER_B, faceCheck });
    expect(visit).toMatchObject({ outcome: 'refused' });
    expect(visit).not.toHaveProperty('cardAttributes');
  });
});

describe('attributes that can not be read', () => {
  test.each([
    ['a wrong PIN', '0000', 3, 'patient.pin-wrong'],
    ['a blocked PIN', TARO.pin, 0, 'patient.pin-blocked'],
    ['the last try, which is not spent', '0000', 1, 'patient.pin-last-try'],
  ] as const)('leave the visit as it is, and say why: %s', async (_, pin, left, cardAttributesMissing) => {
    await open();
    const card = bench.card('mihon-taro', pinTries(imageOf('mihon-taro'), left));
    const visit = await tap({ pin }, card);
    expect(visit).toMatchObject({ outcome: 'accepted', cardAttributesMissing });
    expect(visit).not.toHaveProperty('cardAttributes');
    const after = await tap({ pin: TARO.pin }, card);
    if (left === 3) expect(after).toMatchObject({ cardAttributes: ATTRIBUTES });
    else expect(after).toMatchObject({ cardAttributesMissing });
  });

  test('because the card leaves: only the attributes are missing', async () => {
    await open();
    const { apdu } = (await tap({ numberB: NUMBER_B }))!;
    bench.reader.faults.push(removeAfterApdus(apdu.card.count - 1));
    const visit = await tap({ numberB: NUMBER_B });
    bench.reader.faults.length = 0;
    expect(visit).toMatchObject({ outcome: 'accepted', cardAttributesMissing: 'card.removed' });
  });
});

describe('attributes of another card', () => {
  test('copied: the card does not sign with their key', async () => {
    await open();
    const doctored = withCopiedFiles(imageOf('mihon-taro'), imageOf('mihon-hanako'), ['text']);
    const { pin } = readPerson('mihon-hanako');
    const visit = await tap({ pin }, bench.card('mihon-taro', doctored));
    expect(visit).toMatchObject({ outcome: 'refused', error: 'card.not-genuine' });
  });

  test('relayed: birth date and sex are not those of the insurance', async () => {
    await open();
    const relay = relayedWith(imageOf('mihon-taro'), imageOf('mihon-hanako'), ['text']);
    const { pin } = readPerson('mihon-hanako');
    const visit = await tap({ pin }, bench.card('mihon-taro', relay));
    expect(visit).toMatchObject({ outcome: 'refused', error: 'patient.holder-mismatch' });
    expect(visit).not.toHaveProperty('cardAttributes');
  });

  test('relayed beside the own face: one card does not tell of two people', async () => {
    await open();
    const relay = relayedWith(imageOf('mihon-taro'), imageOf('mihon-hanako'), ['text']);
    const { pin } = readPerson('mihon-hanako');
    const visit = await tap({ numberB: NUMBER_B, pin }, bench.card('mihon-taro', relay));
    expect(visit).toMatchObject({ outcome: 'refused', error: 'card.not-genuine' });
  });
});
