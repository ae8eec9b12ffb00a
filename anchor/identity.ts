/** Who an anchor is: an Ed25519 key made at its first start, and the network id that follows from it. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createFile } from './replaced-file.ts';
import { inFolder, makeFolder } from './state-folder.ts';

const KEY_FILE = 'anchor-key.pem';

export interface Identity {
  readonly privateKey: KeyObject;
  /** DER SubjectPublicKeyInfo. */
  readonly publicKey: Buffer;
  readonly publicKeyPem: string;
  /** SHA-256 over `publicKey`. */
  readonly fingerprint: Buffer;
  /** The first 16 bytes of the fingerprint: whoever signs over it pins the key. */
  readonly networkId: Buffer;
}

export function identityOf(privateKey: KeyObject): Identity {
  if (privateKey.asymmetricKeyType !== 'ed25519') throw new TypeError('the key of an anchor is Ed25519');
  const key = createPublicKey(privateKey);
  const publicKey = key.export({ type: 'spki', format: 'der' });
  const fingerprint = createHash('sha256').update(publicKey).digest();
  return {
    privateKey,
    publicKey,
    publicKeyPem: key.export({ type: 'spki', format: 'pem' }).toString(),
    fingerprint,
    networkId: fingerprint.subarray(0, 16),
  };
}

export function hasIdentity(folder: string): boolean {
  return existsSync(join(folder, KEY_FILE));
}

/**
 * Reads the key of `folder`, or makes it. A damaged key file is an error: a new key would be another network.
 * Throws `UnusableFolder` when there can be no key.
 */
export function openIdentity(folder: string): Identity {
  return inFolder(folder, () => {
    makeFolder(folder);
    const file = join(folder, KEY_FILE);
    if (!hasIdentity(folder)) {
      const { privateKey } = generateKeyPairSync('ed25519');
      // Of two that start at once, one makes the key and the other reads it.
      createFile(file, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
    }
    return identityOf(createPrivateKey(readFileSync(file)));
  });
}

/** Groups of four digits: to be read out and compared by people. */
export function spellFingerprint({ fingerprint }: Identity): string {
  return (fingerprint.toString('hex').match(/.{4}/g) ?? []).join(' ');
}

/** For a QR code at the registration of the network. Carries nothing secret; the key is what counts, the address helps. */
export function qrText({ publicKey }: Identity, address: { host: string; port: number }): string {
  const words = new URLSearchParams({
    key: publicKey.toString('base64url'),
    host: address.host,
    port: String(address.port),
  });
  return `sekisho-anchor:1?${words}`;
}
