/** Card-verifiable organisation certificates (`docs/organisation-profile.md`), signed by the root that cards hold. */
import { type KeyObject, sign } from 'node:crypto';
import { encodeTlv } from '../asn1/tlv.ts';
import { keyKind } from './algorithm.ts';
import type { CentrePki } from './authority.ts';

export interface OrganisationRequest {
  /** RSA-2048 gives suite 01, P-384 suite 02. */
  readonly publicKey: KeyObject;
  readonly institutionCode: string;
  /** Last month of validity; without it the certificate does not expire. */
  readonly expires?: { readonly year: number; readonly month: number };
}

/** The complete 7F21 object: 568 bytes for RSA-2048, 238 for P-384. */
export function issueOrganisationCertificate(pki: CentrePki, request: OrganisationRequest): Buffer {
  const suite = keyKind(request.publicKey);
  if (suite !== 'rsa-2048' && suite !== 'p-384') throw new TypeError('suite is RSA-2048 or P-384');
  const root = pki.organisationRoots[suite];
  const body = Buffer.concat([root.keyId, subjectKeyId(request), publicKeyObjects(request.publicKey)]);
  const signature =
    suite === 'rsa-2048'
      ? sign('sha256', body, root.key)
      : sign('sha384', body, { key: root.key, dsaEncoding: 'ieee-p1363' });
  return encodeTlv(0x7f21, encodeTlv(0x5f4e, body), encodeTlv(0x5f37, signature));
}

/** `6000` ‖ institution code ‖ YYMM in BCD. */
function subjectKeyId({ institutionCode, expires }: OrganisationRequest): Buffer {
  if (!/^\d{10}$/.test(institutionCode)) throw new RangeError('institution code has ten digits');
  const expiry =
    expires === undefined
      ? '0000'
      : `${String(expires.year % 100).padStart(2, '0')}${String(expires.month).padStart(2, '0')}`;
  return Buffer.concat([Buffer.from(`6000${institutionCode}`, 'ascii'), Buffer.from(expiry, 'hex')]);
}

function publicKeyObjects(key: KeyObject): Buffer {
  const jwk = key.export({ format: 'jwk' });
  const bytes = (value: string | undefined): Buffer => Buffer.from(value ?? '', 'base64url');
  if (jwk.kty === 'RSA') {
    return Buffer.concat([encodeTlv(0x90, bytes(jwk.e)), encodeTlv(0x91, bytes(jwk.n))]);
  }
  return encodeTlv(0x86, Buffer.of(4), bytes(jwk.x), bytes(jwk.y));
}
