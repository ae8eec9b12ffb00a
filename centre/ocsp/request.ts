/** OCSPRequest, strictly (RFC 6960 §4.1.1). Signed requests are read, their signature is not asked for. */
import { parseInteger, parseOid, TAG } from '../asn1/der.ts';
import { MalformedDer, parseTlv, type Tlv, TlvCursor } from '../asn1/tlv.ts';

export interface CertId {
  /** As it came: the answer repeats it byte for byte. */
  readonly encoded: Buffer;
  readonly hash: 'sha1' | 'sha256' | undefined;
  readonly issuerNameHash: Buffer;
  readonly issuerKeyHash: Buffer;
  readonly serial: Buffer;
}

export interface OcspRequest {
  readonly certIds: readonly CertId[];
  /** Value of the nonce extension, still encoded as OCTET STRING. */
  readonly nonce: Buffer | undefined;
}

export const OCSP_NONCE = '1.3.6.1.5.5.7.48.1.2';
const HASHES: Readonly<Record<string, 'sha1' | 'sha256'>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
};
const MAX_CERTIFICATES = 20;

export function parseOcspRequest(der: Uint8Array): OcspRequest {
  const outer = new TlvCursor(parseTlv(der, TAG.sequence).content);
  const tbs = new TlvCursor(outer.take(TAG.sequence).content);
  outer.optional(0xa0);
  outer.end();
  tbs.optional(0xa0);
  tbs.optional(0xa1);
  const certIds = new TlvCursor(tbs.take(TAG.sequence).content).rest().map(parseSingleRequest);
  if (certIds.length === 0 || certIds.length > MAX_CERTIFICATES)
    throw new MalformedDer('number of certificates');
  const extensions = tbs.optional(0xa2);
  tbs.end();
  return { certIds, nonce: extensions === undefined ? undefined : findNonce(extensions) };
}

function parseSingleRequest(request: Tlv): CertId {
  const cursor = new TlvCursor(request.content);
  const certId = cursor.take(TAG.sequence);
  cursor.optional(0xa0);
  cursor.end();
  const fields = new TlvCursor(certId.content);
  const hash = HASHES[parseOid(new TlvCursor(fields.take(TAG.sequence).content).take(TAG.oid))];
  const issuerNameHash = fields.take(TAG.octetString).content;
  const issuerKeyHash = fields.take(TAG.octetString).content;
  const serial = parseInteger(fields.take(TAG.integer));
  fields.end();
  return { encoded: certId.encoded, hash, issuerNameHash, issuerKeyHash, serial };
}

function findNonce(extensions: Tlv): Buffer | undefined {
  for (const entry of new TlvCursor(parseTlv(extensions.content, TAG.sequence).content).rest()) {
    const cursor = new TlvCursor(entry.content);
    if (parseOid(cursor.take(TAG.oid)) !== OCSP_NONCE) continue;
    cursor.optional(TAG.boolean);
    const value = cursor.take(TAG.octetString).content;
    const { length } = parseTlv(value, TAG.octetString).content;
    // RFC 9654 §2.1: 1 to 128 octets, everything else is a malformed request.
    if (length < 1 || length > 128) throw new MalformedDer('nonce length');
    return value;
  }
  return undefined;
}
