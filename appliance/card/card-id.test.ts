import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import {
  cardIdDerivationInput,
  cardIdDigest,
  cardIdFromDerivation,
  cardIdFromSignature,
  encodeCardId,
  parseCardId,
} from './card-id.ts';

interface Vectors {
  readonly digest: { readonly institutionCode: string; readonly d1Hex: string }[];
  readonly derivationInput: { issuerDerHex: string; serialHex: string; sha256Hex: string }[];
  readonly ids: { algorithm: 'R' | 'K'; inputHex: string; valueHex: string; text: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('testdata/card-id.json', import.meta.url), 'utf8'),
) as Vectors;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const hex = (value: Uint8Array): string => Buffer.from(value).toString('hex');

/** docs/card-id.md once more, in another language and by another way: division instead of shifts. */
const PYTHON = `
import hashlib, json, sys
alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
def text(letter, data):
    value = hashlib.sha256(b'SEKISHO-CARD-ID-1R' + data).digest()[:15] if letter == 'R' else data[:15]
    number, out = int.from_bytes(value, 'big'), ''
    check = (alphabet + '*~$=U')[number % 37]
    while len(out) < 24:
        number, digit = divmod(number, 32)
        out = alphabet[digit] + out
    return letter + '1-' + '-'.join(out[i:i + 5] for i in range(0, 24, 5)) + check
print(json.dumps([text(a, bytes.fromhex(h)) for a, h in json.load(sys.stdin)]))
`;

function pythonIds(inputs: readonly (readonly [algorithm: 'R' | 'K', inputHex: string])[]): string[] {
  return JSON.parse(
    execFileSync('python3', ['-c', PYTHON], { input: JSON.stringify(inputs), encoding: 'utf8' }),
  ) as string[];
}

function ourId(algorithm: 'R' | 'K', input: Uint8Array): string {
  return algorithm === 'R' ? cardIdFromSignature(input) : cardIdFromDerivation(input);
}

describe('card ID', () => {
  it.each(vectors.ids)('$text', ({ algorithm, inputHex, valueHex, text }) => {
    expect(ourId(algorithm, bytes(inputHex))).toBe(text);
    expect(parseCardId(text)).toEqual({ algorithm, version: 1, value: bytes(valueHex) });
  });

  it('agrees with Python on the vectors and on random inputs', () => {
    const random = fc.sample(fc.uint8Array({ minLength: 32, maxLength: 32 }), 40).map(hex);
    const inputs = [
      ...vectors.ids.map(({ algorithm, inputHex }) => [algorithm, inputHex] as const),
      ...random.map((input, index) => [index % 2 ? 'R' : 'K', input] as const),
    ];
    expect(inputs.map(([algorithm, input]) => ourId(algorithm, bytes(input)))).toEqual(pythonIds(inputs));
  });

  it('asks the card to sign one digest per institution', () => {
    for (const { institutionCode, d1Hex } of vectors.digest) {
      expect(hex(cardIdDigest(institutionCode))).toBe(d1Hex);
    }
  });

  it('asks the SAM to derive from issuer and serial', () => {
    for (const { issuerDerHex, serialHex, sha256Hex } of vectors.derivationInput) {
      expect(hex(cardIdDerivationInput(bytes(issuerDerHex), bytes(serialHex)))).toBe(sha256Hex);
    }
  });

  it('notices every single wrong character', () => {
    const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
    const text = vectors.ids[1]!.text;
    for (let at = 3; at < text.length - 1; at++) {
      if (text[at] === '-') continue;
      for (const character of alphabet) {
        if (character === text[at]) continue;
        expect(() => parseCardId(text.slice(0, at) + character + text.slice(at + 1))).toThrow(SekishoError);
      }
    }
  });

  it.each(['', 'R1', 'R2-00000-00000-00000-00000-00000', 'X1-00000-00000-00000-00000-00000'])(
    'refuses %j with the field at fault',
    (text) => {
      expect(() => parseCardId(text)).toThrowError(
        expect.objectContaining({ code: 'request.invalid', field: 'cardId' }),
      );
    },
  );

  it.each([
    ['lower case', 'k1-00000-00000-00000-00000-00000'],
    ['no hyphens', 'K1-000000000000000000000000000000'],
    ['the letter O', 'K1-OOOOO-00000-00000-00000-00000'],
    ['a line feed', 'K1-00000-00000-00000-00000-00000\n'],
  ])('has one form only: refuses %s', (_, text) => {
    expect(() => parseCardId(text)).toThrow(SekishoError);
  });

  it('comes back from its own encoding', () => {
    const ids = fc.record({
      algorithm: fc.constantFrom('R' as const, 'K' as const),
      version: fc.constant(1 as const),
      value: fc.uint8Array({ minLength: 15, maxLength: 15 }),
    });
    fc.assert(
      fc.property(ids, (id) => {
        expect(parseCardId(encodeCardId(id))).toEqual(id);
      }),
      { numRuns: 200 },
    );
  });
});
