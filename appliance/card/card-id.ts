/**
 * The clinic's own ID of a patient's card: derived, versioned, with a check character. Never the certificate serial.
 * @see docs/card-id.md; alphabet and check: https://www.crockford.com/base32.html
 */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import { fromHex, toHex } from './bytes.ts';

/** R: from the card's deterministic RSA signature. K: derived in the SAM from issuer and serial. */
export type CardIdAlgorithm = 'R' | 'K';

export interface CardId {
  readonly algorithm: CardIdAlgorithm;
  readonly version: 1;
  /** 15 bytes. */
  readonly value: Uint8Array;
}

const LABEL = Buffer.from('SEKISHO-CARD-ID-1', 'ascii');
const VALUE_BYTES = 15;
const DERIVATION_BYTES = 32;
const GROUP_CHARACTERS = 5;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const CHECK_ALPHABET = `${ALPHABET}*~$=U`;
const BITS_PER_CHARACTER = 5n;
const FORM = /^([RK])1((?:-[0-9A-HJKMNP-TV-Z]{5}){4}-[0-9A-HJKMNP-TV-Z]{4})([0-9A-HJKMNP-TV-Z*~$=U])$/;

/** D1: the digest that an RSA card signs for its ID. One institution, one digest. */
export function cardIdDigest(institutionCode: string): Uint8Array {
  return new Uint8Array(createHash('sha256').update(LABEL).update(institutionCode, 'ascii').digest());
}

/** Algorithm R: from the card's PKCS#1 v1.5 signature over `cardIdDigest`. */
export function cardIdFromSignature(signature: Uint8Array): string {
  const hash = createHash('sha256').update(LABEL).update('R', 'ascii').update(signature).digest();
  return encodeCardId({ algorithm: 'R', version: 1, value: hash.subarray(0, VALUE_BYTES) });
}

/** What the SAM derives algorithm K from: SHA-256 over issuer DN (DER) and serial bytes. */
export function cardIdDerivationInput(issuerDer: Uint8Array, serial: Uint8Array): Uint8Array {
  return new Uint8Array(createHash('sha256').update(issuerDer).update(serial).digest());
}

/** Algorithm K: from the 32 bytes that the SAM's DERIVE ID answers. */
export function cardIdFromDerivation(derived: Uint8Array): string {
  if (derived.length !== DERIVATION_BYTES) throw new RangeError('DERIVE ID answers 32 bytes');
  return encodeCardId({ algorithm: 'K', version: 1, value: derived.subarray(0, VALUE_BYTES) });
}

export function encodeCardId({ algorithm, version, value }: CardId): string {
  if (value.length !== VALUE_BYTES) throw new RangeError('a card ID has 15 bytes');
  const number = toNumber(value);
  let characters = '';
  for (let shift = 115n; shift >= 0n; shift -= BITS_PER_CHARACTER) {
    characters += ALPHABET.charAt(Number((number >> shift) & 31n));
  }
  const groups = characters.match(new RegExp(`.{1,${GROUP_CHARACTERS}}`, 'g')) ?? [];
  return `${algorithm}${version}-${groups.join('-')}${checkCharacter(number)}`;
}

/** Rejects with `request.invalid` (field `cardId`) when form or check character are wrong. */
export function parseCardId(text: string): CardId {
  const [, algorithm, groups, check] = FORM.exec(text) ?? [];
  if (algorithm === undefined || groups === undefined) throw invalid('form');
  let number = 0n;
  for (const character of groups.replaceAll('-', '')) {
    number = (number << BITS_PER_CHARACTER) | BigInt(ALPHABET.indexOf(character));
  }
  if (checkCharacter(number) !== check) throw invalid('check character');
  const value = fromHex(number.toString(16).padStart(2 * VALUE_BYTES, '0'));
  return { algorithm: algorithm === 'R' ? 'R' : 'K', version: 1, value };
}

function toNumber(value: Uint8Array): bigint {
  return BigInt(`0x${toHex(value)}`);
}

function checkCharacter(number: bigint): string {
  return CHECK_ALPHABET.charAt(Number(number % 37n));
}

function invalid(reason: string): SekishoError {
  return new SekishoError('request.invalid', { field: 'cardId', context: { reason } });
}
