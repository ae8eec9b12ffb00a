/** A pool of published RSA keys, so that cards and test PKIs start at once. TEST ONLY. */
import type { KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { importPrivateKey } from '../crypto/keys.ts';
import { dataUrl } from '../data-folder.ts';

interface KeyPool {
  readonly notice: string;
  readonly keys: readonly string[];
}

let pool: KeyPool | undefined;

function readPool(): KeyPool {
  pool ??= JSON.parse(readFileSync(dataUrl('keys/test-rsa-keys.json'), 'utf8')) as KeyPool;
  return pool;
}

export const TEST_RSA_KEY_COUNT = 56;

/** Key number `index` (0–55) of the pool; 24 and up are used by the card issuer itself (`issue/`). */
export function testRsaKey(index: number): KeyObject {
  const pkcs8 = readPool().keys[index];
  if (pkcs8 === undefined) throw new RangeError(`no test key ${index}`);
  return importPrivateKey(pkcs8);
}
