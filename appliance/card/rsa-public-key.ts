/** The RSA public key as the My Number Card writes it: `90 <exponent> 91 <modulus>`. @see docs/protocol-facts.md 1.5 to 1.7 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { findTlv, parseTlvs } from './tlv.ts';

const TAG_EXPONENT = 0x90;
const TAG_MODULUS = 0x91;
const MODULUS_BYTES = 256;

export function parseRsaPublicKey(bytes: Uint8Array): KeyObject {
  const objects = parseTlvs(bytes);
  const modulus = findTlv(objects, TAG_MODULUS).value;
  const exponent = findTlv(objects, TAG_EXPONENT).value;
  if (objects.length !== 2 || modulus.length !== MODULUS_BYTES || (modulus[0] ?? 0) < 0x80) throw malformed();
  const jwk = { kty: 'RSA', n: base64Url(modulus), e: base64Url(exponent) };
  try {
    return createPublicKey({ key: jwk, format: 'jwk' });
  } catch (cause) {
    throw malformed(cause);
  }
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}

function malformed(cause?: unknown): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'rsa-public-key' }, cause });
}
