/** Marks that must be nowhere, in every form in which they could hide, and the search for them. */
import { X509Certificate } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect } from 'vitest';
import type { CardImage } from '#drivers/simulated/card/image.ts';

export interface Canary {
  readonly what: string;
  readonly forms: readonly Buffer[];
}

export const textCanary = (what: string, ...words: string[]): Canary => ({
  what,
  forms: words.flatMap((word) => [
    Buffer.from(word, 'utf8'),
    // As JSON may escape it, and as an encoder that knows no better would hide it.
    Buffer.from(
      JSON.stringify(word)
        .slice(1, -1)
        .replace(/[^ -~]/g, (sign) => `\\u${sign.charCodeAt(0).toString(16)}`),
    ),
    Buffer.from(Buffer.from(word).toString('hex')),
    ...base64Forms(Buffer.from(word)),
  ]),
});

/**
 * Base64 of `raw` wherever it stands in a longer message: three alignments, and of each the signs that `raw` alone decides;
 * in both alphabets, where they differ.
 */
function base64Forms(raw: Buffer): Buffer[] {
  const forms = [0, 1, 2].flatMap((shift) => {
    const shifted = Buffer.concat([Buffer.alloc(shift), raw]);
    const [first, end] = [Math.ceil((shift * 8) / 6), Math.floor(((shift + raw.length) * 8) / 6)];
    return (['base64', 'base64url'] as const).map((name) => shifted.toString(name).slice(first, end));
  });
  return [...new Set(forms)].map((form) => Buffer.from(form));
}

/** As V8 keeps text with signs beyond Latin-1. */
export const withUtf16 = (canaries: readonly Canary[]): Canary[] =>
  canaries.map(({ what, forms }) => ({
    what,
    forms: forms.flatMap((form) => {
      const text = form.toString('utf8');
      return Buffer.from(text, 'utf8').equals(form) ? [form, Buffer.from(text, 'utf16le')] : [form];
    }),
  }));

export const bytesCanary = (what: string, raw: Buffer): Canary => ({
  what,
  forms: [
    raw,
    Buffer.from(raw.toString('hex')),
    Buffer.from(raw.toString('hex').toUpperCase()),
    Buffer.from(raw.toString('hex').match(/../g)?.join(':') ?? ''),
    Buffer.from(BigInt(`0x${raw.toString('hex')}`).toString()),
    ...base64Forms(raw),
  ],
});

/** The authentication certificate on a card, DER. */
export function certificateOf(image: CardImage): Buffer {
  const certificate = image.applications
    .find(({ kind }) => kind === 'jpki' || kind === 'hpki')
    ?.files.map(({ content }) => Buffer.from(content, 'base64'))
    .find((content) => content.subarray(0, 2).toString('hex') === '3082');
  if (certificate === undefined) throw new Error('no certificate on the card');
  return certificate.subarray(0, 4 + certificate.readUInt16BE(2));
}

/** From the middle of a certificate, where nothing is shared with other certificates of the authority. */
export function certificateCanary(what: string, der: Buffer): Canary {
  const { publicKey } = new X509Certificate(der);
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return {
    what,
    forms: [der.subarray(-64), spki.subarray(-64)].flatMap((slice) => [
      slice,
      Buffer.from(slice.toString('hex')),
      ...base64Forms(slice),
    ]),
  };
}

/** Shorter forms stand by chance in a megabyte of sealed text. */
const SHORTEST_FORM = 6;

export function expectNone(canaries: readonly Canary[], place: string, content: Buffer): void {
  for (const { what, forms } of canaries) {
    expect(Math.min(...forms.map(({ length }) => length)), what).toBeGreaterThanOrEqual(SHORTEST_FORM);
    const hits = forms.filter((form) => content.includes(form)).length;
    expect({ what, place, hits }).toEqual({ what, place, hits: 0 });
  }
}

/** Every file of the appliance, the write-ahead log among them. */
export function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

export interface Cell {
  readonly table: string;
  readonly column: string;
  readonly content: Buffer;
}

/** Every value of every table. */
export function* cellsOf(databaseFile: string): Generator<Cell> {
  const database = new Database(databaseFile, { readonly: true });
  const sql = `SELECT name FROM sqlite_schema WHERE type = 'table'`;
  for (const { name: table } of database.prepare<[], { name: string }>(sql).all()) {
    for (const row of database.prepare<[], Record<string, unknown>>(`SELECT * FROM "${table}"`).all()) {
      for (const [column, value] of Object.entries(row)) {
        yield { table, column, content: Buffer.isBuffer(value) ? value : Buffer.from(String(value)) };
      }
    }
  }
  database.close();
}
