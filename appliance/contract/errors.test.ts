import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ERROR_CODES, ERRORS, isSekishoError, SekishoError, toSekishoError } from './errors.ts';
import { renderErrorManual } from './manual.ts';

/** Compares with the committed file; `UPDATE_GOLDEN=1` rewrites it. */
function expectGolden(actual: string, file: URL): void {
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, actual);
  expect(actual).toBe(readFileSync(file, 'utf8'));
}

describe('the error table', () => {
  test('wire numbers are unique, fit two bytes and equal the golden list, so nobody renumbers', () => {
    const wires = ERROR_CODES.map((code) => ERRORS[code].wire);
    expect(new Set(wires).size).toBe(wires.length);
    for (const wire of wires)
      expect(wire).toSatisfy((n: number) => Number.isInteger(n) && n > 0 && n < 65_536);
    const lines = ERROR_CODES.map((code) => `${ERRORS[code].wire} ${code}`).toSorted();
    expectGolden(`${lines.join('\n')}\n`, new URL('./testdata/error-wire-numbers.txt', import.meta.url));
  });

  test.each(ERROR_CODES)('%s stands in the hundred of its family', (code) => {
    const families: Readonly<Record<string, readonly number[]>> = {
      request: [1],
      config: [1],
      card: [2],
      reader: [3],
      panel: [3],
      sam: [4],
      network: [5],
      operator: [6],
      roster: [6],
      permit: [6],
      tap: [7],
      patient: [7],
      'insured-number': [7],
      visit: [7],
      centre: [8],
      revocation: [8],
      eligibility: [8],
      'time-stamp': [8],
      store: [9],
      evidence: [9],
      internal: [9],
    };
    expect(families[code.split('.')[0]!]).toContain(Math.floor(ERRORS[code].wire / 100));
  });

  test.each(ERROR_CODES)('%s says what happened and what to do, in both languages, without data', (code) => {
    const { ja, en, http } = ERRORS[code];
    for (const text of [ja.title, ja.next])
      expect(text).toMatch(/^[^\p{Cc}<>|]*[\p{scx=Hira}\p{scx=Han}][^\p{Cc}<>|]*。$/u);
    for (const text of [en.title, en.next]) expect(text).toMatch(/^[\x20-\x7e]+\.$/);
    for (const text of [ja.title, ja.next, en.title, en.next]) {
      expect(text).not.toMatch(/\d{3}|[<>|{}$]/);
      expect(text.length).toBeLessThanOrEqual(90);
    }
    expect(http).toBeGreaterThanOrEqual(400);
    expect(http).toBeLessThan(600);
  });

  test('card errors ask for another tap or another way, reader and SAM errors never ask the patient', () => {
    for (const code of ERROR_CODES) {
      if (code.startsWith('reader.') || code.startsWith('sam.')) {
        expect(ERRORS[code].who, code).not.toBe('patient');
        expect(ERRORS[code].then, code).not.toBe('tap-again');
      }
    }
  });

  test('docs/errors.md is the table', () => {
    const page = renderErrorManual();
    for (const code of ERROR_CODES) expect(page).toContain(`\`${code}\``);
    expectGolden(page, new URL('../../docs/errors.md', import.meta.url));
  });
});

describe('SekishoError', () => {
  test('carries its code in the message and keeps context and cause for the log', () => {
    const cause = new Error('socket');
    const error = new SekishoError('card.removed', { context: { step: 'find-card' }, cause, field: '/pin' });
    expect(error.message).toBe('The card was taken away. [card.removed]');
    expect(error).toMatchObject({
      code: 'card.removed',
      context: { step: 'find-card' },
      cause,
      field: '/pin',
    });
  });

  test('is told apart by code', () => {
    const error = new SekishoError('sam.locked');
    expect(isSekishoError(error)).toBe(true);
    expect(isSekishoError(error, 'sam.locked', 'sam.absent')).toBe(true);
    expect(isSekishoError(error, 'sam.absent')).toBe(false);
    expect(isSekishoError(new Error('x'))).toBe(false);
  });

  test('the unknown becomes internal.bug and keeps what was thrown', () => {
    const thrown = new TypeError('x');
    expect(toSekishoError(thrown)).toMatchObject({ code: 'internal.bug', cause: thrown });
    const known = new SekishoError('store.full');
    expect(toSekishoError(known)).toBe(known);
  });
});
