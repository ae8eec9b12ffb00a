/** The one DER structure that a card is sent. Certificates are parsed by appliance/trust. */
import { concatBytes, fromHex } from './bytes.ts';

/** SEQUENCE { SEQUENCE { id-sha256, NULL }, OCTET STRING (32) } up to the digest. @see RFC 8017 §9.2 note 1 */
const SHA_256_PREFIX = fromHex('3031300D060960864801650304020105000420');
const SHA_256_BYTES = 32;

export function encodeSha256DigestInfo(digest: Uint8Array): Uint8Array {
  if (digest.length !== SHA_256_BYTES) throw new RangeError('a SHA-256 digest has 32 bytes');
  return concatBytes(SHA_256_PREFIX, digest);
}
