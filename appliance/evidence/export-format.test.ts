import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  CERTIFICATE_ROLES,
  encodeCertificateLine,
  encodeEndLine,
  encodeEntryLine,
  encodeStampLine,
  HEADER_LINE,
  parseExportLine,
} from './export-format.ts';
import { lineBatches } from './line-stream.ts';

const hexOf = (lengthBytes: number) =>
  fc
    .uint8Array({ minLength: lengthBytes, maxLength: lengthBytes })
    .map((bytes) => Buffer.from(bytes).toString('hex'));

const parse = (line: string) => parseExportLine(Buffer.from(line));

describe('a line of the export', () => {
  test('says what was written', () => {
    expect(parse(HEADER_LINE)).toEqual({ kind: 'header' });
    const role = fc.constantFrom(...CERTIFICATE_ROLES);
    fc.assert(
      fc.property(
        role,
        fc.uint8Array({ minLength: 1 }),
        hexOf(32),
        hexOf(80),
        fc.nat(),
        (role, bytes, hash, stamp, seq) => {
          const der = Buffer.from(bytes);
          const signature = der.toString('hex');
          const canonical = JSON.stringify({ text: der.toString('latin1') });
          expect(parse(encodeCertificateLine({ role, der }))).toEqual({
            kind: 'certificate',
            certificate: { role, der },
          });
          expect(parse(encodeStampLine({ stamp, signature }))).toEqual({
            kind: 'stamp',
            stamp: { stamp, signature },
          });
          expect(parse(encodeEndLine({ seq, hash }))).toEqual({ kind: 'end', count: seq, headHash: hash });
          expect(parse(encodeEntryLine(hash, canonical))).toEqual({
            kind: 'entry',
            entry: { hash, canonical: Buffer.from(canonical) },
          });
        },
      ),
      { numRuns: 200 },
    );
    expect(parse(encodeEndLine(undefined))).toEqual({ kind: 'end', count: 0, headHash: '-' });
  });

  test.each([
    '',
    'X',
    'H',
    'E',
    'E short',
    'S',
    'S 00',
    'S zz 00',
    'S 00 0',
    'S AA 00',
    'C tsa',
    'C tsa A',
    'C tsa AAAA B',
    'Z',
    'Z 01 -',
    'Z 1 ',
    'Z 1 AB',
    ' Z 0 -',
  ])('is nothing else: %o', (line) => {
    expect(parse(line)).toBeUndefined();
  });

  test('any bytes are a line or none, never an exception', () => {
    const start = fc.constantFrom('', 'E ', 'S ', 'C ', 'H ', 'Z ');
    fc.assert(
      fc.property(start, fc.uint8Array({ maxLength: 200 }), (kind, bytes) => {
        expect(() => parseExportLine(Buffer.concat([Buffer.from(kind), bytes]))).not.toThrow();
      }),
      { numRuns: 300 },
    );
  });
});

test('lines come out as they went in, however the bytes are cut', async () => {
  const text = fc.array(
    fc.string({ unit: 'grapheme' }).map((line) => line.replaceAll('\n', '')),
    { maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(text, fc.array(fc.nat(400), { maxLength: 6 }), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const at = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)).sort((a, b) => a - b), bytes.length];
      const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
      const read: string[] = [];
      for await (const batch of lineBatches(chunks)) read.push(...batch.map((line) => line.toString()));
      expect(read).toEqual(lines);
    }),
    { numRuns: 200 },
  );
});
