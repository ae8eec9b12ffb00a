/**
 * The subject key id of an organisation certificate: `6000` (test hierarchy; 5000 = production) ‖ institution code
 * (10 ASCII digits) ‖ expiry as YY MM in BCD, 0000 = none. @see docs/organisation-profile.md "Certificate"
 */
import { SekishoError } from '#contract/errors.ts';

export interface OrganisationKeyId {
  readonly hierarchy: 'test' | 'production';
  readonly institutionCode: string;
  /** The last month in which cards accept the certificate. */
  readonly expires: { readonly year: number; readonly month: number } | undefined;
}

const FORM = /^([56])000(\d{10})$/;
const KEY_ID_BYTES = 16;
const TEXT_BYTES = 14;
const CENTURY = 2000;

export function encodeOrganisationKeyId(id: OrganisationKeyId): Uint8Array {
  const text = `${id.hierarchy === 'test' ? '6000' : '5000'}${id.institutionCode}`;
  const { year, month } = id.expires ?? { year: CENTURY, month: 0 };
  const inRange = year >= CENTURY && year < CENTURY + 100 && month >= (id.expires ? 1 : 0) && month <= 12;
  if (!FORM.test(text) || !inRange) throw new RangeError('organisation key id');
  return Uint8Array.from([...Buffer.from(text, 'ascii'), encodeBcd(year - CENTURY), encodeBcd(month)]);
}

export function parseOrganisationKeyId(bytes: Uint8Array): OrganisationKeyId {
  const [, lead, institutionCode] =
    FORM.exec(Buffer.from(bytes.subarray(0, TEXT_BYTES)).toString('latin1')) ?? [];
  const year = parseBcd(bytes[TEXT_BYTES]);
  const month = parseBcd(bytes[TEXT_BYTES + 1]);
  if (institutionCode === undefined || bytes.length !== KEY_ID_BYTES) throw malformed();
  const hierarchy = lead === '6' ? 'test' : 'production';
  if (year === 0 && month === 0) return { hierarchy, institutionCode, expires: undefined };
  if (month < 1 || month > 12) throw malformed();
  return { hierarchy, institutionCode, expires: { year: CENTURY + year, month } };
}

function encodeBcd(value: number): number {
  return (Math.floor(value / 10) << 4) | (value % 10);
}

function parseBcd(byte = 0xff): number {
  const tens = byte >> 4;
  const ones = byte & 0x0f;
  if (tens > 9 || ones > 9) throw malformed();
  return tens * 10 + ones;
}

function malformed(): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'organisation-key-id' } });
}
