/** TimeStampReq, strictly (RFC 3161 §2.4.1). */
import { parseBoolean, parseInteger, parseOid, TAG } from '../asn1/der.ts';
import { MalformedDer, parseTlv, TlvCursor } from '../asn1/tlv.ts';

export interface TimeStampRequest {
  /** Encoded MessageImprint; the token repeats it byte for byte. */
  readonly imprint: Buffer;
  readonly hashOid: string;
  readonly digest: Buffer;
  readonly policy: string | undefined;
  /** Encoded INTEGER. */
  readonly nonce: Buffer | undefined;
  readonly certReq: boolean;
  readonly hasExtensions: boolean;
}

export function parseTimeStampRequest(der: Uint8Array): TimeStampRequest {
  const cursor = new TlvCursor(parseTlv(der, TAG.sequence).content);
  const version = parseInteger(cursor.take(TAG.integer));
  if (!version.equals(Buffer.of(1))) throw new MalformedDer('version is not 1');
  const imprint = cursor.take(TAG.sequence);
  const policy = cursor.optional(TAG.oid);
  const nonce = cursor.optional(TAG.integer);
  const certReq = cursor.optional(TAG.boolean);
  const extensions = cursor.optional(0xa0);
  cursor.end();
  const fields = new TlvCursor(imprint.content);
  const hashOid = parseOid(new TlvCursor(fields.take(TAG.sequence).content).take(TAG.oid));
  const digest = fields.take(TAG.octetString).content;
  fields.end();
  return {
    imprint: imprint.encoded,
    hashOid,
    digest,
    policy: policy === undefined ? undefined : parseOid(policy),
    nonce: nonce?.encoded,
    certReq: certReq !== undefined && parseBoolean(certReq),
    hasExtensions: extensions !== undefined,
  };
}
