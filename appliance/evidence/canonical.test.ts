import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { canonicalJson } from './canonical.ts';
import jcs from './testdata/jcs.json' with { type: 'json' };

/** Everything else is refused (above); the doubles beyond 2^53 begin among the numbers of sixteen digits. */
function hasSafeIntegersOnly(json: unknown): boolean {
  if (typeof json === 'number') return Number.isSafeInteger(json);
  return typeof json !== 'object' || json === null || Object.values(json).every(hasSafeIntegersOnly);
}

describe('canonical JSON', () => {
  test.each(jcs.vectors)('gives the published bytes: $name', ({ input, outputHex }) => {
    const canonical = canonicalJson(JSON.parse(input));
    expect(Buffer.from(canonical, 'utf8').toString('hex')).toBe(outputHex);
  });

  test.each([
    ['a fraction', JSON.parse(jcs.refusedInput)],
    ['a number that a double cannot count', 2 ** 53],
    ['NaN', Number.NaN],
    ['a lone surrogate', '\ud83d'],
    ['a lone surrogate in a name', { '\ude02': 1 }],
    ['undefined', { a: undefined }],
    ['a function', () => 1],
    ['a Date', new Date(0)],
    ['bytes', new Uint8Array(2)],
    ['a bigint', 1n],
  ])('refuses %s', (_what, value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });

  test('means the value: parsing gives it back, and the order of names does not matter', () => {
    const value = fc.jsonValue({ stringUnit: 'binary' }).filter(hasSafeIntegersOnly);
    fc.assert(
      fc.property(value, (json) => {
        const canonical = canonicalJson(json);
        expect(canonicalJson(JSON.parse(canonical))).toBe(canonical);
        expect(JSON.parse(canonical)).toEqual(JSON.parse(JSON.stringify(json)));
      }),
      { numRuns: 200 },
    );
    expect(canonicalJson({ b: 1, a: 2 })).toBe(canonicalJson({ a: 2, b: 1 }));
    expect(canonicalJson(-0)).toBe('0');
  });
});
