/** The key with which the text application proves that it is no copy, under the issuer's signature. @see docs/protocol-facts.md 1.9 */
import { type KeyObject, verify } from 'node:crypto';
import { parseDataFile } from '../card-file.ts';
import { readObjectFile } from '../commands/read-binary.ts';
import type { CvCertificate } from '../cv-certificate.ts';
import type { CardExchange } from '../exchange.ts';
import { parseRsaPublicKey } from '../rsa-public-key.ts';
import { TEXT_FILE } from './application.ts';

export interface SignedKey {
  readonly publicKey: KeyObject;
  readonly signedBytes: Uint8Array;
  readonly signature: Uint8Array;
}

const TAG = { file: 0xff50, publicKey: 0xdf51, signature: 0xdf52 } as const;

/** After the PIN or one of the 照合番号. */
export async function readPresenceKey(exchange: CardExchange): Promise<SignedKey> {
  return parsePresenceKey(await readObjectFile(exchange, { fileId: TEXT_FILE.presenceKey }));
}

function parsePresenceKey(bytes: Uint8Array): SignedKey {
  const file = parseDataFile(bytes, TAG.file);
  return {
    publicKey: parseRsaPublicKey(file.value(TAG.publicKey)),
    signedBytes: file.bytesOf(TAG.publicKey),
    signature: file.fixedValue(TAG.signature, 256),
  };
}

/** True when the key of `certificate`, which the caller has verified, signed this key. */
export function verifyPresenceKey(key: SignedKey, certificate: CvCertificate): boolean {
  return verify('sha256', key.signedBytes, certificate.publicKey, key.signature);
}
