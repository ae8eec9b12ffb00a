/**
 * CMS SignedData with exactly one signer, taken apart; who may sign is judged elsewhere.
 *
 * @see RFC 5652 §5.1, §5.3
 */
import { parseAlgorithm } from './certificate.ts';
import { children, type Der, expect, MalformedDer, parseDer, parseOid, sequenceOf, TAG } from './der.ts';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
/** IMPLICIT or EXPLICIT, constructed. */
const CONTEXT_0 = 0xa0;
/** IMPLICIT, primitive: the choice subjectKeyIdentifier. */
const SUBJECT_KEY_ID = 0x80;

export interface SignedDataFields {
  readonly contentType: string;
  readonly content: Uint8Array;
  /** DER certificates that came along. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: {
    /** DER of the issuer name and contents of the serial, or the subject key identifier. */
    readonly id:
      | { readonly issuer: Uint8Array; readonly serial: Uint8Array }
      | { readonly subjectKeyId: Uint8Array };
    readonly digestOid: string;
    readonly signature: Uint8Array;
    /** What the signature covers: the attributes as a SET OF. */
    readonly attributesDer: Uint8Array;
    /** DER of the only value of each attribute. */
    readonly attributes: ReadonlyMap<string, Uint8Array>;
  };
}

/** Opens a ContentInfo of SignedData. Throws MalformedDer. */
export function parseSignedData(der: Uint8Array, maxBytes: number): SignedDataFields {
  const [type, wrapped] = sequenceOf(parseDer(der, maxBytes));
  if (parseOid(expect(type, TAG.oid)) !== SIGNED_DATA) throw new MalformedDer('not SignedData');
  const [, , encapsulated, ...optional] = sequenceOf(only(expect(wrapped, CONTEXT_0)));
  const [contentType, content] = sequenceOf(encapsulated);
  const certificates = optional.find(({ tag }) => tag === CONTEXT_0);
  return {
    contentType: parseOid(expect(contentType, TAG.oid)),
    content: expect(only(expect(content, CONTEXT_0)), TAG.octetString).value,
    certificates: certificates === undefined ? [] : [...children(certificates)].map(({ bytes }) => bytes),
    signer: parseSigner(only(expect(optional.at(-1), TAG.set))),
  };
}

/** The one value inside: of an EXPLICIT tag, or of a SET that must not have more. */
function only(parent: Der): Der {
  const [inner, ...more] = children(parent);
  if (inner === undefined || more.length > 0) throw new MalformedDer('not exactly one value');
  return inner;
}

function parseSigner(info: Der): SignedDataFields['signer'] {
  const [, id, digestAlgorithm, attributes, , signature] = sequenceOf(info);
  const signed = expect(attributes, CONTEXT_0);
  return {
    id: parseSignerId(id),
    digestOid: parseAlgorithm(digestAlgorithm),
    signature: expect(signature, TAG.octetString).value,
    // The signature is over the SET OF, not over the IMPLICIT tag that stands in the message. @see RFC 5652 §5.4
    attributesDer: Uint8Array.from(signed.bytes).fill(TAG.set, 0, 1),
    attributes: parseAttributes(signed),
  };
}

function parseAttributes(signed: Der): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>();
  for (const attribute of children(signed)) {
    const [type, values] = sequenceOf(attribute);
    const oid = parseOid(expect(type, TAG.oid));
    if (found.has(oid)) throw new MalformedDer('repeated attribute');
    found.set(oid, only(expect(values, TAG.set)).bytes);
  }
  return found;
}

function parseSignerId(id: Der | undefined): SignedDataFields['signer']['id'] {
  if (id?.tag === SUBJECT_KEY_ID) return { subjectKeyId: id.value };
  const [issuer, serial] = sequenceOf(id);
  return { issuer: expect(issuer, TAG.sequence).bytes, serial: expect(serial, TAG.integer).value };
}
