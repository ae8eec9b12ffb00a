/**
 * The data files of the text and card-face applications: one template, sometimes an offset table, then fields.
 * Signatures cover fields as written, without the template header and the table. @see docs/protocol-facts.md 1.5, 1.6
 */
import { SekishoError } from '#contract/errors.ts';
import { concatBytes } from './bytes.ts';
import { findTlv, parseCardFile, parseTlvs, type Tlv } from './tlv.ts';

export class CardFile {
  readonly #fields: readonly Tlv[];

  constructor(fields: readonly Tlv[]) {
    this.#fields = fields;
  }

  value(tag: number): Uint8Array {
    return findTlv(this.#fields, tag).value;
  }

  fixedValue(tag: number, lengthBytes: number): Uint8Array {
    const value = this.value(tag);
    if (value.length !== lengthBytes) throw malformed('field length');
    return value;
  }

  text(tag: number): string {
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(this.value(tag));
    } catch (cause) {
      throw malformed('not UTF-8', cause);
    }
  }

  /** YYYYMMDD; the card uses zeros where a part of a birth date is unknown. */
  date(tag: number): string {
    const text = Buffer.from(this.fixedValue(tag, 8)).toString('latin1');
    if (!/^\d{4}(0\d|1[0-2])([0-2]\d|3[01])$/.test(text)) throw malformed('date');
    return text;
  }

  sex(tag: number): Sex {
    const sex = SEXES.get(this.fixedValue(tag, 1)[0] ?? 0);
    if (!sex) throw malformed('sex');
    return sex;
  }

  /** The named fields as they were written: what a signature covers. */
  bytesOf(...tags: readonly number[]): Uint8Array {
    return concatBytes(...tags.map((tag) => findTlv(this.#fields, tag).bytes));
  }
}

/** ISO/IEC 5218. */
export type Sex = 'male' | 'female' | 'not-applicable' | 'unknown';

const SEXES: ReadonlyMap<number, Sex> = new Map([
  [0x30, 'unknown'],
  [0x31, 'male'],
  [0x32, 'female'],
  [0x39, 'not-applicable'],
]);

/** Parses a whole file (filler allowed); with `offsetTag`, the table that it names is checked, not trusted. */
export function parseDataFile(bytes: Uint8Array, template: number, offsetTag?: number): CardFile {
  const file = parseCardFile(bytes, template);
  const objects = parseTlvs(file.value);
  if (offsetTag === undefined) return new CardFile(objects);
  const table = findTlv(objects, offsetTag).value;
  const fields = objects.filter((object) => object.tag !== offsetTag);
  const base = bytes.byteOffset;
  const offsets = fields.flatMap(({ bytes: field }) => {
    const offset = field.byteOffset - base;
    return [offset >> 8, offset & 0xff];
  });
  if (table.length !== offsets.length || !table.every((byte, index) => byte === offsets[index])) {
    throw malformed('offset table');
  }
  return new CardFile(fields);
}

function malformed(reason: string, cause?: unknown): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'card-file', reason }, cause });
}
