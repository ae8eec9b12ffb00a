/** X.509 extensions (RFC 5280 §4.2) and CRL extensions (§5.2), each as one encoded `Extension`. */
import { isIP } from 'node:net';
import {
  boolean,
  context,
  contextPrimitive,
  ia5String,
  integer,
  namedBits,
  nullValue,
  octetString,
  oid,
  sequence,
  setOf,
  utf8String,
} from '../asn1/der.ts';
import { encodeName, type Name } from './name.ts';

export const EXTENSION = {
  subjectDirectoryAttributes: '2.5.29.9',
  subjectKeyIdentifier: '2.5.29.14',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  crlNumber: '2.5.29.20',
  reasonCode: '2.5.29.21',
  crlDistributionPoints: '2.5.29.31',
  certificatePolicies: '2.5.29.32',
  authorityKeyIdentifier: '2.5.29.35',
  extendedKeyUsage: '2.5.29.37',
  ocspNoCheck: '1.3.6.1.5.5.7.48.1.5',
} as const;

/** Bit numbers of RFC 5280 §4.2.1.3. */
export const KEY_USAGE = {
  digitalSignature: 0,
  nonRepudiation: 1,
  keyEncipherment: 2,
  keyCertSign: 5,
  cRLSign: 6,
};

export const EXTENDED_KEY_USAGE = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  ocspSigning: '1.3.6.1.5.5.7.3.9',
} as const;

export function extension(id: string, critical: boolean, value: Uint8Array): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octetString(value));
}

export const keyUsage = (...bits: readonly number[]): Buffer =>
  extension(EXTENSION.keyUsage, true, namedBits(...bits));

export const extendedKeyUsage = (purposes: readonly string[], critical: boolean): Buffer =>
  extension(EXTENSION.extendedKeyUsage, critical, sequence(...purposes.map(oid)));

export function authorityBasicConstraints(pathLength?: number): Buffer {
  const length = pathLength === undefined ? [] : [integer(pathLength)];
  return extension(EXTENSION.basicConstraints, true, sequence(boolean(true), ...length));
}

export const subjectKeyIdentifier = (keyId: Uint8Array): Buffer =>
  extension(EXTENSION.subjectKeyIdentifier, false, octetString(keyId));

export const authorityKeyIdentifier = (keyId: Uint8Array): Buffer =>
  extension(EXTENSION.authorityKeyIdentifier, false, sequence(contextPrimitive(0, keyId)));

/** One policy with a CPS pointer; critical, as the JPKI profile has it. */
export function certificatePolicy(policy: string, cpsUri: string): Buffer {
  const qualifier = sequence(oid('1.3.6.1.5.5.7.2.1'), ia5String(cpsUri));
  return extension(EXTENSION.certificatePolicies, true, sequence(sequence(oid(policy), sequence(qualifier))));
}

/** JPKI names its distribution point by a directory name, not by an address. */
export function crlDistributionPoint(directoryName: Name): Buffer {
  const fullName = context(0, context(4, encodeName(directoryName)));
  return extension(EXTENSION.crlDistributionPoints, false, sequence(sequence(context(0, fullName))));
}

export interface OtherName {
  readonly type: string;
  readonly value: string;
}

export function otherNames(names: readonly OtherName[]): Buffer {
  const encoded = names.map(({ type, value }) => context(0, oid(type), context(0, utf8String(value))));
  return extension(EXTENSION.subjectAltName, false, sequence(...encoded));
}

/** iPAddress for literals, dNSName for everything else. */
export function hostNames(hosts: readonly string[]): Buffer {
  const encoded = hosts.map((host) =>
    isIP(host) === 0
      ? contextPrimitive(2, Buffer.from(host, 'ascii'))
      : contextPrimitive(7, encodeAddress(host)),
  );
  return extension(EXTENSION.subjectAltName, false, sequence(...encoded));
}

function encodeAddress(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.split('::');
  const groups = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [before, after] = [groups(head), groups(tail ?? '')];
  const middle = new Array<number>(8 - before.length - after.length).fill(0);
  const bytes = Buffer.alloc(16);
  for (const [index, group] of [...before, ...middle, ...after].entries())
    bytes.writeUInt16BE(group, index * 2);
  return bytes;
}

export const ocspNoCheck = (): Buffer => extension(EXTENSION.ocspNoCheck, false, nullValue());

const HEALTHCARE_ACTOR = '1.0.17090.0.1';
const JHPKI_CODED_DATA = '1.2.392.100495.1.6.1.1';

/** hcRole: every title is one HCActor with EXPLICIT tags (ISO 17090-2; 保健医療福祉分野PKI CP §7). */
export function healthcareRoles(titles: readonly string[]): Buffer {
  const actors = titles.map((title) => {
    const codedData = setOf(context(0, oid(JHPKI_CODED_DATA)), context(2, utf8String(title)));
    return sequence(context(0, codedData));
  });
  const attribute = sequence(oid(HEALTHCARE_ACTOR), setOf(setOf(...actors)));
  return extension(EXTENSION.subjectDirectoryAttributes, false, sequence(attribute));
}
