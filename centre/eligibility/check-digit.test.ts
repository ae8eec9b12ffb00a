import fc from 'fast-check';
import { expect, test } from 'vitest';
import { computeCheckDigit, hasValidCheckDigit } from './check-digit.ts';

// Numbers of real insurers that are public: http://www5f.biglobe.ne.jp/~h-it/mlcont/mc0124.htm and the 組合 06110829.
test.each(['33120015', '06110829'])('the published number %s is valid', (number) => {
  expect(hasValidCheckDigit(number)).toBe(true);
});

test('one wrong digit is always noticed, text never valid', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 9_999_999 }),
      fc.nat(7),
      fc.integer({ min: 1, max: 9 }),
      (value, at, by) => {
        const digits = String(value).padStart(7, '0');
        const whole = `${digits}${computeCheckDigit(digits)}`;
        expect(hasValidCheckDigit(whole)).toBe(true);
        const wrong = (Number(whole[at]) + by) % 10;
        expect(hasValidCheckDigit(`${whole.slice(0, at)}${wrong}${whole.slice(at + 1)}`)).toBe(false);
      },
    ),
    { numRuns: 300 },
  );
  for (const text of ['', '0', '  123456', '１２３４５６７８', '3312001x'])
    expect(hasValidCheckDigit(text)).toBe(false);
});
