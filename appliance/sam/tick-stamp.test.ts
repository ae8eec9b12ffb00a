import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { publicKeyOf, signedBy } from './testdata/authorities.ts';
import { samAnswering } from './testdata/opened-sam.ts';
import { opensslVerifies } from './testdata/openssl.ts';
import { fromHex, readVectors } from './testdata/vectors.ts';
import { verifyTickStamp } from './tick-stamp.ts';

const file = readVectors('tick-stamp');
const vector = file.vectors[0]!;
const stamp = String(vector.stamp);
const signature = String(vector.signature);
const deviceKey = fromHex(file.devicePublicKey);

describe('a tick stamp', () => {
  it('is read, checked against the question, and given as hex for the evidence', async () => {
    const { sam } = await samAnswering(vector);
    expect(await sam.tickStamp(fromHex(vector.digest))).toEqual({ stamp, signature });
  });

  it.each([
    ['another digest', stamp.length - 2],
    ['another SAM', 8],
    ['another power-up', stamp.indexOf('8510') + 4],
  ])('of %s is refused', async (_, at) => {
    const digits = stamp.slice(at, at + 2) === '00' ? '01' : '00';
    const answer = `${stamp.slice(0, at)}${digits}${stamp.slice(at + 2)}9e${(signature.length / 2).toString(16)}${signature}9000`;
    const { sam } = await samAnswering({ ...vector, answer });
    await expect(sam.tickStamp(fromHex(vector.digest))).rejects.toMatchObject({
      context: { malformed: 'tick stamp' },
    });
  });

  it('verifies with the device key, here and with openssl', () => {
    expect(verifyTickStamp(stamp, signature, deviceKey)).toEqual({
      samId: file.samId,
      ticks: 62n,
      tickNonce: Buffer.from(String(file.tickNonce), 'hex'),
      useCounter: 42,
      tickPeriodMs: 1000,
      digest: Buffer.from(String(vector.digest), 'hex'),
    });
    const signed = { message: fromHex(stamp), signature: fromHex(signature), spki: deviceKey };
    expect(opensslVerifies({ ...signed, digest: 'sha256' })).toBe(true);
  });

  it('does not verify with any byte of its content changed', () => {
    const contentStart = 4;
    fc.assert(
      fc.property(
        fc.nat(stamp.length / 2 - contentStart - 1),
        fc.integer({ min: 1, max: 255 }),
        (at, flip) => {
          const changed = fromHex(stamp);
          const index = contentStart + at;
          changed[index] = changed[index]! ^ flip;
          try {
            expect(
              verifyTickStamp(Buffer.from(changed).toString('hex'), signature, deviceKey),
            ).toBeUndefined();
          } catch (thrown) {
            expect(thrown).toMatchObject({ code: 'sam.failed' });
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it.each(['organisation01', 'organisation02'])('signed by %s, which is no P-256 key, is refused', (key) => {
    const forged = signedBy(key, fromHex(stamp));
    expect(verifyTickStamp(stamp, Buffer.from(forged).toString('hex'), publicKeyOf(key))).toBeUndefined();
  });

  it.each([
    ['no key', stamp, signature, new Uint8Array()],
    ['no signature', stamp, '', deviceKey],
    ['a signature that is not hex', stamp, 'xyz0', deviceKey],
    ['a raw signature', stamp, '11'.repeat(64), deviceKey],
  ])('does not verify with %s', (_, text, signatureHex, key) => {
    expect(verifyTickStamp(text, signatureHex, key)).toBeUndefined();
  });

  it.each(['', 'e7', stamp.slice(0, -2), `${stamp}00`, stamp.toUpperCase(), `e8${stamp.slice(2)}`])(
    'is not one: %s',
    (text) => {
      expect(() => verifyTickStamp(text, signature, deviceKey)).toThrow(
        expect.objectContaining({ code: 'sam.failed' }),
      );
    },
  );
});
