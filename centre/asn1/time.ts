/** Date and time in certificates and time stamps. */

import { TAG } from './der.ts';
import { encodeTlv, MalformedDer, type Tlv } from './tlv.ts';

const digits = (atMs: number): string => new Date(atMs).toISOString().replace(/[-:T]/g, '').slice(0, 14);

/** `Time` of RFC 5280 §4.1.2.5: UTCTime through 2049, GeneralizedTime from 2050, whole seconds. */
export function certificateTime(atMs: number): Buffer {
  const text = digits(atMs);
  return Number(text.slice(0, 4)) < 2050
    ? encodeTlv(TAG.utcTime, Buffer.from(`${text.slice(2)}Z`, 'ascii'))
    : generalizedTime(atMs);
}

/** GeneralizedTime in whole seconds, as OCSP and certificates want it (RFC 6960 §4.2.2.1). */
export function generalizedTime(atMs: number): Buffer {
  return encodeTlv(TAG.generalizedTime, Buffer.from(`${digits(atMs)}Z`, 'ascii'));
}

/** genTime of a time stamp, to the millisecond; DER drops trailing zeros of the fraction (RFC 3161 §2.4.2). */
export function preciseTime(atMs: number): Buffer {
  const fraction = String(atMs % 1000)
    .padStart(3, '0')
    .replace(/0+$/, '');
  const text = `${digits(atMs)}${fraction === '' ? '' : `.${fraction}`}Z`;
  return encodeTlv(TAG.generalizedTime, Buffer.from(text, 'ascii'));
}

export function parseCertificateTime(object: Tlv): number {
  const text = object.content.toString('ascii');
  const full = object.tag === TAG.utcTime ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const known = object.tag === TAG.utcTime || object.tag === TAG.generalizedTime;
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (!known || match === null) throw new MalformedDer('not a certificate time');
  const [, year, month, day, hour, minute, second] = match;
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}.000Z`);
}
