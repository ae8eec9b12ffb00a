import { createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { makeDataKey } from './data-key.ts';

const secret = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
const key = makeDataKey(secret);
/** RFC 5869 as the library has it: what the databases of the field were sealed with. */
const derived = (info: string) => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), info, 32));

test('seals under HKDF of the secret', () => {
  const sealed = Buffer.from(key.seal(Buffer.from('保険'), 'visit/1/record'));
  expect(sealed.subarray(0, 5).toString('hex')).toBe(`01${key.id}`);
  const decipher = createDecipheriv('aes-256-gcm', derived('SEKISHO-SEAL-1'), sealed.subarray(5, 17))
    .setAAD(Buffer.from('visit/1/record'))
    .setAuthTag(sealed.subarray(17, 33));
  expect(Buffer.concat([decipher.update(sealed.subarray(33)), decipher.final()]).toString()).toBe('保険');
});

test('finds under another key of the same secret', () => {
  const expected = createHmac('sha256', derived('SEKISHO-INDEX-1')).update('P-0042').digest();
  expect(key.blindIndex('P-0042')).toEqual(expected);
});
