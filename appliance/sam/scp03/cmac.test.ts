import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { opensslCmac } from '../testdata/openssl.ts';
import { fromHex, readVectors } from '../testdata/vectors.ts';
import { aesCmac } from './cmac.ts';

interface CmacVectors {
  readonly vectors: readonly { readonly key: string; readonly message: string; readonly mac: string }[];
}

describe('AES-CMAC', () => {
  it.each(readVectors<CmacVectors>('cmac').vectors)('gives the published value $mac', (vector) => {
    expect(Buffer.from(aesCmac(fromHex(vector.key), fromHex(vector.message))).toString('hex')).toBe(
      vector.mac,
    );
  });

  it('agrees with openssl for any key length and message', () => {
    const key = fc
      .constantFrom(16, 24, 32)
      .chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
    fc.assert(
      fc.property(key, fc.uint8Array({ minLength: 1, maxLength: 70 }), (secret, message) => {
        expect(Buffer.from(aesCmac(secret, message)).toString('hex')).toBe(opensslCmac(secret, message));
      }),
      { numRuns: 25 },
    );
  });

  it('leaves the message as it was', () => {
    const message = new Uint8Array(16).fill(7);
    aesCmac(new Uint8Array(16), message);
    expect(message).toEqual(new Uint8Array(16).fill(7));
  });
});
