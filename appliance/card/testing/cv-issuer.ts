/**
 * What an issuer writes and the appliance only reads: keys, key ids and CV certificates. For tests only.
 * @see docs/organisation-profile.md "Certificate"; docs/protocol-facts.md 1.5 to 1.7
 */
import type { KeyObject } from 'node:crypto';
import { concatBytes } from '../bytes.ts';
import type { CvBody } from '../cv-certificate.ts';
import { encodeTlv } from '../tlv.ts';

/** `90 <exponent> 91 <modulus>`. */
export function encodeRsaPublicKey(key: KeyObject): Uint8Array {
  const { n = '', e = '' } = key.export({ format: 'jwk' });
  return concatBytes(
    encodeTlv(0x90, Buffer.from(e, 'base64url')),
    encodeTlv(0x91, Buffer.from(n, 'base64url')),
  );
}

function encodeEcPublicKey(key: KeyObject): Uint8Array {
  const { x = '', y = '' } = key.export({ format: 'jwk' });
  return encodeTlv(0x86, Uint8Array.of(0x04), Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url'));
}

/** The value of 5F4E: what an issuer signs. */
export function encodeCvBody({ suite, issuerKeyId, subjectKeyId, publicKey }: CvBody): Uint8Array {
  const key = suite === 'p384-sha384' ? encodeEcPublicKey(publicKey) : encodeRsaPublicKey(publicKey);
  return concatBytes(issuerKeyId, subjectKeyId, key);
}

export function encodeCvCertificate(body: Uint8Array, signature: Uint8Array): Uint8Array {
  return encodeTlv(0x7f21, encodeTlv(0x5f4e, body), encodeTlv(0x5f37, signature));
}

/** Of the test hierarchy: `6000` ‖ institution code (10 digits) ‖ expiry as YY MM in BCD, 0000 = none. */
export function encodeOrganisationKeyId(
  institutionCode: string,
  expires?: { readonly year: number; readonly month: number },
): Uint8Array {
  const twoDigits = (value: number): string => String(value).padStart(2, '0');
  const expiry = expires ? twoDigits(expires.year - 2000) + twoDigits(expires.month) : '0000';
  return concatBytes(Buffer.from(`6000${institutionCode}`, 'ascii'), Buffer.from(expiry, 'hex'));
}
