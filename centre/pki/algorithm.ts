/** Key kinds of the test hierarchy and their signature algorithms (RFC 4055 §5, RFC 5758 §3.2). */
import { generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';
import { nullValue, oid, sequence } from '../asn1/der.ts';

export type KeyKind = 'rsa-2048' | 'p-256' | 'p-384';

interface SignatureAlgorithm {
  readonly oid: string;
  readonly hash: 'sha256' | 'sha384';
  /** RSA identifiers carry NULL parameters, ECDSA ones none. */
  readonly nullParameters: boolean;
}

const ALGORITHMS: Readonly<Record<KeyKind, SignatureAlgorithm>> = {
  'rsa-2048': { oid: '1.2.840.113549.1.1.11', hash: 'sha256', nullParameters: true },
  'p-256': { oid: '1.2.840.10045.4.3.2', hash: 'sha256', nullParameters: false },
  'p-384': { oid: '1.2.840.10045.4.3.3', hash: 'sha384', nullParameters: false },
};

export function keyKind(key: KeyObject): KeyKind | undefined {
  const details = key.asymmetricKeyDetails;
  if (key.asymmetricKeyType === 'rsa' && details?.modulusLength === 2048) return 'rsa-2048';
  if (key.asymmetricKeyType !== 'ec') return undefined;
  if (details?.namedCurve === 'prime256v1') return 'p-256';
  return details?.namedCurve === 'secp384r1' ? 'p-384' : undefined;
}

function algorithmOf(key: KeyObject): SignatureAlgorithm {
  const kind = keyKind(key);
  if (kind === undefined) throw new TypeError('key is neither RSA-2048, P-256 nor P-384');
  return ALGORITHMS[kind];
}

export function generatePrivateKey(kind: KeyKind): KeyObject {
  if (kind === 'rsa-2048') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  return generateKeyPairSync('ec', { namedCurve: kind === 'p-256' ? 'prime256v1' : 'secp384r1' }).privateKey;
}

export function encodeSignatureAlgorithm(key: KeyObject): Buffer {
  const algorithm = algorithmOf(key);
  return sequence(oid(algorithm.oid), ...(algorithm.nullParameters ? [nullValue()] : []));
}

/** PKCS#1 v1.5, or ECDSA with the DER signature that X.509 and CMS use. */
export function signBytes(key: KeyObject, bytes: Uint8Array): Buffer {
  return sign(algorithmOf(key).hash, bytes, key);
}

/** True when `publicKey` made `signature` with the algorithm of that name; another algorithm is simply false. */
export function verifyBytes(
  publicKey: KeyObject,
  algorithmOid: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  const kind = keyKind(publicKey);
  if (kind === undefined || ALGORITHMS[kind].oid !== algorithmOid) return false;
  return verify(ALGORITHMS[kind].hash, bytes, publicKey, signature);
}
