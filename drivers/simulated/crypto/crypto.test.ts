import { constants, createHash, createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '#ports/random.ts';
import { fromHex, pad80, toHex, unpad80 } from '../bytes.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { cmac } from './aes.ts';
import { digestInfo, signP384, signPkcs1, signPss } from './signing.ts';

const cmacVectors: { key: string; vectors: { message: string; mac: string }[] } = JSON.parse(
  readFileSync(new URL('../testdata/cmac.json', import.meta.url), 'utf8'),
);
const message = new TextEncoder().encode('a message of the tests');
const digest = (name: string): Uint8Array => createHash(name).update(message).digest();

describe('crypto of the simulators', () => {
  it.each(cmacVectors.vectors)(
    'makes the CMAC of RFC 4493 for "$message"',
    (vector: { message: string; mac: string }) => {
      expect(toHex(cmac(fromHex(cmacVectors.key), fromHex(vector.message))).toLowerCase()).toBe(vector.mac);
    },
  );

  it('makes PKCS#1 v1.5 signatures that OpenSSL verifies', () => {
    const key = testRsaKey(3);
    const signature = signPkcs1(key, digestInfo(digest('sha256')));
    expect(verify('sha256', message, createPublicKey(key), signature)).toBe(true);
  });

  it('makes PSS signatures that OpenSSL verifies, each different', () => {
    const key = testRsaKey(3);
    const [one, two] = [
      signPss(key, digest('sha256'), systemRandom),
      signPss(key, digest('sha256'), systemRandom),
    ];
    const options = { key: createPublicKey(key), padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    expect(verify('sha256', message, options, one)).toBe(true);
    expect(verify('sha256', message, options, two)).toBe(true);
    expect(toHex(one)).not.toBe(toHex(two));
  });

  it('makes P-384 signatures over a digest that OpenSSL verifies', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-384' });
    for (let round = 0; round < 20; round += 1) {
      const signature = signP384(privateKey, digest('sha384'), systemRandom);
      expect(verify('sha384', message, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(true);
    }
  });

  it('pads and unpads any data, and sees a missing padding', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (data) => {
        expect(toHex(unpad80(pad80(data, 16)) ?? fromHex('EE'))).toBe(toHex(data));
      }),
    );
    expect(unpad80(fromHex('00000000'))).toBeUndefined();
    expect(unpad80(fromHex('80000001'))).toBeUndefined();
  });
});
