/**
 * The SP and two operators of the vectors, signing live. Their TLV is written by hand here, so that a mistake of
 * `messages.ts` cannot hide. For tests only.
 */
import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { readVectors } from './vectors.ts';

interface KeysFile {
  readonly privateKeysPkcs8: Readonly<Record<string, string>>;
}

const { privateKeysPkcs8 } = readVectors<KeysFile>('keys');

function privateKey(name: string): KeyObject {
  const der = Buffer.from(privateKeysPkcs8[name] ?? '', 'hex');
  return createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
}

export function publicKeyOf(name: string): Uint8Array {
  return createPublicKey(privateKey(name)).export({ format: 'der', type: 'spki' });
}

function object(tag: number, ...parts: readonly (Uint8Array | string)[]): Buffer {
  const value = Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'hex') : part)),
  );
  const size = value.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), value]);
}

function unsigned(value: number, lengthBytes: number): string {
  return value.toString(16).padStart(2 * lengthBytes, '0');
}

/** SHA-256, DER or PKCS#1 v1.5. */
function signedBy(key: string, content: Uint8Array): Uint8Array {
  return sign('sha256', content, privateKey(key));
}

function withSignature(content: Buffer, key = 'serviceProvider'): Uint8Array {
  return Buffer.concat([content, object(0x9e, signedBy(key, content))]);
}

export interface Unlock {
  readonly samId: string;
  readonly challenge: Uint8Array;
  readonly networkId: Uint8Array;
  readonly maxUses: number;
  readonly maxTicks?: number;
}

/** An unlock by the SP, or by whoever else holds `key`. */
export function grantBy(key: string, unlock: Unlock): Uint8Array {
  const { samId, challenge, networkId, maxUses, maxTicks = 0 } = unlock;
  const limits = [object(0x8c, unsigned(maxUses, 2)), object(0x8d, unsigned(maxTicks, 4))];
  const content = object(
    0xe1,
    object(0x80, samId),
    object(0x81, challenge),
    object(0x82, networkId),
    ...limits,
    object(0x94, unsigned(1_790_000_000, 8)),
  );
  return withSignature(content, key);
}

export function disableOrder(samId: string, challenge: Uint8Array): Uint8Array {
  return withSignature(object(0xe2, object(0x80, samId), object(0x81, challenge)));
}

export interface RosterEntry {
  readonly key: string;
  readonly roles: number;
}

export function rosterUpdate(samId: string, version: number, entries: readonly RosterEntry[]): Uint8Array {
  const operators = entries.map(({ key, roles }) =>
    object(
      0xe8,
      object(0x8b, keyIdOf(key)),
      object(0x8f, unsigned(roles, 1)),
      object(0x90, publicKeyOf(key)),
    ),
  );
  const content = object(0xe3, object(0x80, samId), object(0x86, unsigned(version, 4)), ...operators);
  return withSignature(content);
}

export function keyIdOf(key: string): Uint8Array {
  return createHash('sha256').update(publicKeyOf(key)).digest();
}

/** As the operator's card answers: PKCS#1 v1.5 SHA-256, or raw ECDSA P-384/SHA-384. */
export function signedByOperator(key: string, message: Uint8Array): Uint8Array {
  const secret = privateKey(key);
  return secret.asymmetricKeyType === 'rsa'
    ? sign('sha256', message, secret)
    : sign('sha384', message, { key: secret, dsaEncoding: 'ieee-p1363' });
}
