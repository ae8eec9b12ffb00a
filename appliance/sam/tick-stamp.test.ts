import { describe, expect, it } from 'vitest';
import { samAnswering } from './testdata/opened-sam.ts';
import { opensslVerifies } from './testdata/openssl.ts';
import { fromHex, readVectors } from './testdata/vectors.ts';
import { parseTickStamp } from './tick-stamp.ts';

const file = readVectors('tick-stamp');
const vector = file.vectors[0]!;
const stamp = String(vector.stamp);
const signature = String(vector.signature);

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

  it('is what the device key signed, says openssl', () => {
    expect(parseTickStamp(fromHex(stamp))).toEqual({
      samId: file.samId,
      ticks: 62n,
      tickNonce: fromHex(file.tickNonce),
      useCounter: 42,
      tickPeriodMs: 1000,
      digest: fromHex(vector.digest),
    });
    const signed = {
      message: fromHex(stamp),
      signature: fromHex(signature),
      spki: fromHex(file.devicePublicKey),
    };
    expect(opensslVerifies({ ...signed, digest: 'sha256' })).toBe(true);
  });

  it.each(['', 'e7', stamp.slice(0, -2), `${stamp}00`, `e8${stamp.slice(2)}`])('is not one: %s', (text) => {
    expect(() => parseTickStamp(fromHex(text))).toThrow(expect.objectContaining({ code: 'sam.failed' }));
  });
});
