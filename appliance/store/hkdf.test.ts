import { hkdfSync, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { deriveKeys } from './hkdf.ts';

test('derives what the library derives, whatever the purpose', () => {
  const secret = randomBytes(32);
  const purposes = ['SEKISHO-SEAL-1', Buffer.alloc(80, 7), ''];
  const expected = purposes.map((each) => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), each, 32)));
  expect(deriveKeys(secret, ...purposes)).toEqual(expected);
});
