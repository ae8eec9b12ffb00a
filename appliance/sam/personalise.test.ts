import { createPublicKey } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { personaliseSam } from './personalise.ts';
import { encodeDgis, splitBlocks } from './store-data.ts';
import { namedStep } from './testdata/opened-sam.ts';
import { personalisationFile, staticKeys, vectorProfile } from './testdata/profile.ts';
import { ScriptedChannel, type ScriptedStep } from './testdata/scripted-channel.ts';
import { fromHex } from './testdata/vectors.ts';

const file = personalisationFile;
const profile = vectorProfile;
const select = namedStep('select', 'blank');
const steps = [select, ...file.vectors];
const keys = { staticKeys, random: { bytes: () => fromHex(file.hostChallenge) } };

const failed = { code: 'sam.personalisation-failed' };

describe('personalisation', () => {
  it('sends the bytes of the vector file, whole, in order', async () => {
    const channel = new ScriptedChannel(...steps);
    const { devicePublicKey, finish } = await personaliseSam(channel, keys);
    const spki = createPublicKey({ key: Buffer.from(devicePublicKey), format: 'der', type: 'spki' });
    expect(spki.asymmetricKeyDetails?.namedCurve).toBe('prime256v1');
    expect(Buffer.from(devicePublicKey.subarray(-65)).toString('hex')).toBe(file.devicePoint);
    await finish(profile);
    expect(channel.remaining).toBe(0);
  });

  it.each(steps.map(({ command }, index) => [index, command.slice(0, 8)] as const))(
    'stops at command %i (%s) when the SAM refuses it',
    async (index) => {
      const { channel, run } = refusedAt(index, '6985');
      await expect(run()).rejects.toMatchObject(failed);
      expect(channel.remaining).toBe(steps.length - index - 1);
    },
  );

  it.each([2, 3, 4, steps.length - 1])(
    'says sam.absent when the SAM is pulled at command %i',
    async (index) => {
      const { run } = refusedAt(index, new SekishoError('reader.unreachable'));
      await expect(run()).rejects.toMatchObject({ code: 'sam.absent' });
    },
  );

  it('does not accept a device key that is not on the curve', async () => {
    const { run } = refusedAt(3, file.offCurveAnswer);
    await expect(run()).rejects.toMatchObject({ ...failed, context: { deviceKey: 'not on the curve' } });
  });

  function refusedAt(index: number, answer: string | Error) {
    const spoilt: ScriptedStep[] = steps.map((step, at) => (at === index ? { ...step, answer } : step));
    const channel = new ScriptedChannel(...spoilt);
    const run = async (): Promise<void> => {
      const session = await personaliseSam(channel, keys);
      await session.finish(profile);
    };
    return { channel, run };
  }
});

describe('STORE DATA', () => {
  it('splits any length into numbered blocks that join to the same bytes, the last one marked', () => {
    const bytes = fc.uint8Array({ minLength: 1, maxLength: 2000 });
    fc.assert(
      fc.property(bytes, fc.integer({ min: 10, max: 239 }), (dgis, blockBytes) => {
        const blocks = splitBlocks(dgis, blockBytes);
        expect(Buffer.concat(blocks.map(({ data }) => data))).toEqual(Buffer.from(dgis));
        expect(blocks.map(({ p2 }) => p2)).toEqual(blocks.map((_, index) => index));
        expect(blocks.map(({ p1 }) => p1).lastIndexOf(0x00)).toBe(blocks.length - 2);
        expect(blocks.at(-1)?.p1).toBe(0x80);
      }),
    );
  });

  it('leaves out the second suite when there is none', () => {
    const rsaOnly = { 'rsa-2048-sha256': profile.organisation['rsa-2048-sha256'] };
    const plain = (value: Uint8Array): Uint8Array => value;
    const numbers = dgiNumbers(encodeDgis({ ...profile, organisation: rsaOnly }, plain));
    expect(numbers).toEqual([
      '0101',
      '0102',
      '0103',
      '0104',
      '0105',
      '0106',
      '0107',
      '0130',
      '8130',
      '8140',
      '8141',
    ]);
  });

  function dgiNumbers(dgis: Uint8Array): string[] {
    const numbers: string[] = [];
    for (let rest = Buffer.from(dgis); rest.length > 0; ) {
      const long = rest[2] === 0xff;
      const valueAt = long ? 5 : 3;
      const length = long ? rest.readUInt16BE(3) : rest.readUInt8(2);
      numbers.push(rest.toString('hex', 0, 2));
      rest = rest.subarray(valueAt + length);
    }
    return numbers;
  }
});
