import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, test } from 'vitest';
import type { Qualification } from '#contract/centre/eligibility.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { relayedWith, withCopiedFiles } from '#drivers/simulated/clone.ts';
import { presenceKeysOf } from '#drivers/simulated/issue/card-signer.ts';
import { readPeople, readPerson } from '#drivers/simulated/people.ts';
import type { EvidenceRecord } from '#evidence/record.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import { publicKeyOf } from './testdata/region.ts';
import { sampleQualification } from './testdata/scripted-centre.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-face-proof-'));
let bench: GatewayBench;
let caller: Caller;
afterEach(() => bench.close());
afterAll(() => rmSync(folder, { recursive: true }));

const COMPARED = { method: 'card-photo', result: 'match' } as const;

async function open(options: Parameters<typeof openGatewayBench>[0] = {}): Promise<void> {
  bench = await openGatewayBench(options);
  caller = await bench.signIn();
}

function numberOf(person: string): string {
  return readPerson(person).verificationNumberB;
}

function imageOf(person: string): CardImage {
  const image = bench.region.wallet.get(person)?.image;
  if (image === undefined) throw new RangeError(`no card: ${person}`);
  return image;
}

function insuranceOf(person: string): Qualification {
  const { birth, sex } = readPerson(person);
  return sampleQualification({ Birthdate: birth.replaceAll('-', ''), Sex1: sex === '2' ? '2' : '1' });
}

type VisitRecord = Extract<EvidenceRecord, { kind: 'visit' }>;

function lastVisit(): VisitRecord {
  const record = bench.records.at(-1);
  if (record?.kind !== 'visit') throw new Error('no visit was recorded');
  return record;
}

/** By openssl, over bytes put together here once more. */
function verifyByOpenssl(person: string, { proof, faceProof }: VisitRecord): string {
  const index = [...readPeople().keys()].indexOf(person);
  const key = publicKeyOf(presenceKeysOf(index).cardFace).export({ type: 'spki', format: 'pem' });
  const signed = Buffer.from(`${proof?.tapChallenge}${proof?.cardSignature}`, 'hex');
  writeFileSync(join(folder, 'key.pem'), key);
  writeFileSync(join(folder, 'signed'), Buffer.concat([Buffer.from('SEKISHO-FACE-1'), signed]));
  writeFileSync(join(folder, 'signature'), Buffer.from(faceProof?.signature ?? '', 'hex'));
  const command = ['dgst', '-sha256', '-verify', 'key.pem', '-signature', 'signature', 'signed'];
  return execFileSync('openssl', command, { cwd: folder, encoding: 'utf8' });
}

describe('the face on the card', () => {
  test.each(['mihon-taro', 'shiken-mirai'])(
    'of %s is shown after the card signed with its card-face key; openssl agrees with the evidence',
    async (person) => {
      await open();
      bench.centre.results = [insuranceOf(person)];
      const wish = { numberB: numberOf(person), faceCheck: COMPARED };
      const visit = await bench.tap(caller, bench.card(person), wish);
      expect(visit).toMatchObject({ outcome: 'accepted', faceCheck: COMPARED });
      const record = lastVisit();
      expect(verifyByOpenssl(person, record)).toContain('Verified OK');
      expect(record.holderCheck).toBe('same');
      expect(record.faceProof?.publicKeySha256).toMatch(/^[0-9a-f]{64}$/);
      // A CMS message of its own: openssl opens it in `evidence-format.test.ts`.
      const sealed = Buffer.from(record.faceProof?.sealedPublicKey ?? '', 'base64');
      expect(sealed.length).toBeGreaterThan(294);
    },
  );

  test('is signed anew for each tap, and nothing is claimed when it was not read', async () => {
    await open();
    const wish = { numberB: numberOf('mihon-taro') };
    await bench.tap(caller, bench.card('mihon-taro'), wish);
    const first = lastVisit().faceProof;
    await bench.tap(caller, bench.card('mihon-taro'), wish);
    const second = lastVisit().faceProof;
    expect(second?.signature).not.toBe(first?.signature);
    expect(second?.publicKeySha256).toBe(first?.publicKeySha256);
    await bench.tap(caller, bench.card('mihon-taro'));
    expect(lastVisit().faceProof).toBeUndefined();
  });

  test('copied from another card is refused, although its issuer signed it', async () => {
    await open();
    const doctored = withCopiedFiles(imageOf('mihon-taro'), imageOf('mihon-hanako'));
    const wish = { numberB: numberOf('mihon-hanako'), faceCheck: COMPARED };
    const visit = await bench.tap(caller, bench.card('mihon-taro', doctored), wish);
    expect(visit).toMatchObject({ outcome: 'refused', error: 'card.not-genuine' });
    expect(visit?.eligibility.results).toEqual([]);
    expect(lastVisit().faceProof).toBeUndefined();
  });

  test('is not read at all when the clinic compares with the printed photo only', async () => {
    await open({ change: (parts) => ({ ...parts, showsCardPhoto: false, cardTextRoot: undefined }) });
    const [plain, numbered] = [bench.card('mihon-taro'), bench.card('mihon-taro')];
    await bench.tap(caller, plain);
    const visit = await bench.tap(caller, numbered, { numberB: numberOf('mihon-taro') });
    expect(visit).toMatchObject({ outcome: 'accepted', faceCheck: { method: 'printed-photo' } });
    expect(numbered.commands).toEqual(plain.commands);
    expect(lastVisit().faceProof).toBeUndefined();
  });
});

describe('two cards relayed behind one antenna', () => {
  const relay = (): ReturnType<GatewayBench['card']> =>
    bench.card('mihon-taro', relayedWith(imageOf('mihon-taro'), imageOf('mihon-hanako')));
  const wish = { numberB: numberOf('mihon-hanako'), faceCheck: COMPARED };

  test('are found out by birth date and sex; the insurance of the other is not shown', async () => {
    await open();
    const visit = await bench.tap(caller, relay(), wish);
    expect(visit).toMatchObject({
      outcome: 'refused',
      error: 'patient.holder-mismatch',
      faceCheck: COMPARED,
      eligibility: { validity: 'unknown', results: [] },
      visitRecord: 'none',
    });
    const record = lastVisit();
    expect(record).toMatchObject({ error: 'patient.holder-mismatch', holderCheck: 'different' });
    const { birth } = readPerson('mihon-hanako');
    for (const value of [birth.replaceAll('-', ''), '19800217']) {
      expect(JSON.stringify(bench.records)).not.toContain(value);
      expect(bench.logLines.join()).not.toContain(value);
    }
  });

  test('are found out offline too, by what was last known', async () => {
    await open();
    await bench.tap(caller, bench.card('mihon-taro'));
    bench.centre.scripts.eligibility.behaviour = 'centre.unreachable';
    expect(await bench.tap(caller, relay(), wish)).toMatchObject({ error: 'patient.holder-mismatch' });
  });

  test('of a patient whom nobody knows yet are not compared offline, and evidence says so', async () => {
    await open();
    bench.centre.scripts.eligibility.behaviour = 'centre.unreachable';
    expect(await bench.tap(caller, relay(), wish)).toMatchObject({ outcome: 'accepted' });
    expect(lastVisit()).toMatchObject({ holderCheck: 'not-compared' });
  });

  test('do not hide that the clerk saw another face', async () => {
    await open();
    const faceCheck = { method: 'card-photo', result: 'mismatch' } as const;
    expect(await bench.tap(caller, relay(), { ...wish, faceCheck })).toMatchObject({
      error: 'patient.face-mismatch',
    });
  });
});
