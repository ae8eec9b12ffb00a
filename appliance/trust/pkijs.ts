/**
 * The only file that names pkijs and asn1js. It builds requests and envelopes and opens CMS SignedData;
 * every judgement (who may sign, what is fresh, what is trusted) is made elsewhere in this room.
 */
import { Integer, Null, OctetString } from 'asn1js';
import {
  AlgorithmIdentifier,
  CertID,
  Certificate,
  ContentInfo,
  EnvelopedData,
  Extension,
  IssuerAndSerialNumber,
  MessageImprint,
  OCSPRequest,
  Request,
  SignedData,
  TimeStampReq,
} from 'pkijs';
import { MalformedDer, parsing } from './der.ts';

const OID = {
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  ocspNonce: '1.3.6.1.5.5.7.48.1.2',
  sha256: '2.16.840.1.101.3.4.2.1',
} as const;

function toBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

function hashAlgorithm(oid: string): AlgorithmIdentifier {
  return new AlgorithmIdentifier({ algorithmId: oid, algorithmParams: new Null() });
}

/** A DER INTEGER from unsigned bytes: minimal and never negative. */
function unsignedInteger(bytes: Uint8Array): Integer {
  const start = bytes.findIndex((octet) => octet !== 0);
  const significant = start < 0 ? Uint8Array.of(0) : bytes.subarray(start);
  const padding = (significant[0] ?? 0) >= 0x80 ? [0] : [];
  return new Integer({ valueHex: toBuffer(Uint8Array.of(...padding, ...significant)) });
}

export interface CertIdFields {
  readonly hashOid: string;
  readonly issuerNameHash: Uint8Array;
  readonly issuerKeyHash: Uint8Array;
  /** Contents of the serial INTEGER as in the certificate. */
  readonly serial: Uint8Array;
}

/** OCSPRequest for one certificate. @see RFC 6960 §4.1, RFC 8954 §2.1 */
export function encodeOcspRequest(id: CertIdFields, nonce: Uint8Array): Uint8Array {
  const request = new OCSPRequest();
  const reqCert = new CertID({
    hashAlgorithm: hashAlgorithm(id.hashOid),
    issuerNameHash: new OctetString({ valueHex: toBuffer(id.issuerNameHash) }),
    issuerKeyHash: new OctetString({ valueHex: toBuffer(id.issuerKeyHash) }),
    serialNumber: new Integer({ valueHex: toBuffer(id.serial) }),
  });
  request.tbsRequest.requestList = [new Request({ reqCert })];
  const extnValue = new OctetString({ valueHex: toBuffer(nonce) }).toBER(false);
  request.tbsRequest.requestExtensions = [new Extension({ extnID: OID.ocspNonce, extnValue })];
  return new Uint8Array(request.toSchema(true).toBER(false));
}

/** TimeStampReq over a SHA-256 digest, asking for the signer's certificate. @see RFC 3161 §2.4.1 */
export function encodeTimeStampRequest(
  digest: Uint8Array,
  nonce: Uint8Array,
  policy: string | undefined,
): Uint8Array {
  const request = new TimeStampReq({
    version: 1,
    messageImprint: new MessageImprint({
      hashAlgorithm: hashAlgorithm(OID.sha256),
      hashedMessage: new OctetString({ valueHex: toBuffer(digest) }),
    }),
    nonce: unsignedInteger(nonce),
    certReq: true,
    ...(policy === undefined ? {} : { reqPolicy: policy }),
  });
  return new Uint8Array(request.toSchema().toBER(false));
}

/** CMS SignedData with exactly one signer, taken apart. */
export interface SignedDataFields {
  readonly contentType: string;
  readonly content: Uint8Array;
  /** DER certificates that came along. */
  readonly certificates: readonly Uint8Array[];
  readonly signer: {
    /** DER of the issuer name and serial, or the subject key identifier. */
    readonly id:
      | { readonly issuer: Uint8Array; readonly serial: Uint8Array }
      | { readonly subjectKeyId: Uint8Array };
    readonly digestOid: string;
    readonly signatureOid: string;
    readonly signature: Uint8Array;
    /** What the signature covers: the attributes as a SET OF. */
    readonly attributesDer: Uint8Array;
    /** DER of the only value of each attribute. */
    readonly attributes: ReadonlyMap<string, Uint8Array>;
  };
}

/** Opens a ContentInfo of SignedData; `der` has been through `parseDer`. Throws MalformedDer. */
export function parseSignedData(der: Uint8Array): SignedDataFields {
  return parsing('SignedData', () => {
    const info = ContentInfo.fromBER(toBuffer(der));
    if (info.contentType !== OID.signedData) throw new MalformedDer('not SignedData');
    const data = new SignedData({ schema: info.content });
    const content = data.encapContentInfo.eContent;
    if (content === undefined || data.signerInfos.length !== 1) throw new MalformedDer('not one signer');
    return {
      contentType: data.encapContentInfo.eContentType,
      content: Uint8Array.from(content.getValue ? new Uint8Array(content.getValue()) : []),
      certificates: (data.certificates ?? []).map((item) => new Uint8Array(item.toSchema().toBER(false))),
      signer: parseSigner(data),
    };
  });
}

function parseSigner(data: SignedData): SignedDataFields['signer'] {
  const [info] = data.signerInfos;
  if (info?.signedAttrs === undefined) throw new MalformedDer('no signed attributes');
  const attributes = new Map<string, Uint8Array>();
  for (const { type, values } of info.signedAttrs.attributes) {
    if (attributes.has(type) || values.length !== 1) throw new MalformedDer('repeated attribute');
    attributes.set(type, new Uint8Array(values[0].toBER(false)));
  }
  return {
    id: parseSignerId(info.sid),
    digestOid: info.digestAlgorithm.algorithmId,
    signatureOid: info.signatureAlgorithm.algorithmId,
    signature: Uint8Array.from(info.signature.valueBlock.valueHexView),
    attributesDer: new Uint8Array(info.signedAttrs.encodedValue),
    attributes,
  };
}

function parseSignerId(sid: unknown): SignedDataFields['signer']['id'] {
  if (sid instanceof IssuerAndSerialNumber) {
    return {
      issuer: new Uint8Array(sid.issuer.toSchema().toBER(false)),
      serial: Uint8Array.from(sid.serialNumber.valueBlock.valueHexView),
    };
  }
  if (sid instanceof OctetString) return { subjectKeyId: Uint8Array.from(sid.valueBlock.valueHexView) };
  throw new MalformedDer('signer identifier');
}

/** Makes the function that seals content for one recipient. */
export function makeEnvelope(recipientDer: Uint8Array): (content: Uint8Array) => Promise<Uint8Array> {
  const recipient = Certificate.fromBER(toBuffer(recipientDer));
  return async (content) => {
    const envelope = new EnvelopedData();
    const keyWrap = { oaepHashAlgorithm: 'SHA-256', kdfAlgorithm: 'SHA-256', kekEncryptionLength: 256 };
    envelope.addRecipientByCertificate(recipient, keyWrap);
    const aes: AesKeyAlgorithm = { name: 'AES-CBC', length: 256 };
    await envelope.encrypt(aes, toBuffer(content));
    const info = new ContentInfo({ contentType: OID.envelopedData, content: envelope.toSchema() });
    return new Uint8Array(info.toSchema().toBER(false));
  };
}
