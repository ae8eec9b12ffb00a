import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import type { ErrorCode } from '#contract/errors.ts';
import { FAILURES, PcscFailure, toReaderError } from './failure.ts';

/** The texts that the binding can report, and the PC/SC names behind them, from its own source. */
async function readBindingTexts(): Promise<Map<string, string>> {
  const source = await readFile('node_modules/smartcard/src/pcsc_errors.h', 'utf8');
  const rows = source.matchAll(/ucode == (SCARD_[A-Z_]+)\) return "([^"]+)"/g);
  return new Map([...rows].map(([, scard = '', text = '']) => [text, scard]));
}

describe('PC/SC failures', () => {
  it('cover every text of the binding under its right name', async () => {
    const texts = await readBindingTexts();
    texts.delete('Success');
    expect(texts.size).toBeGreaterThan(25);
    for (const [text, scard] of texts) expect(FAILURES[text]?.scard, text).toBe(scard);
  });

  it.each<[string, ErrorCode]>([
    ['Card was removed', 'card.removed'],
    ['Card was reset', 'card.removed'],
    ['No smart card present', 'card.removed'],
    ['Card is unresponsive', 'card.mute'],
    ['Protocol mismatch', 'card.protocol'],
    ['PC/SC service stopped', 'reader.unreachable'],
    ['Reader unavailable', 'reader.unreachable'],
    ['Sharing violation', 'reader.held-elsewhere'],
    ['Operation timed out', 'reader.timeout'],
    ['Internal error', 'reader.failed'],
    ['something that nobody has seen yet', 'reader.failed'],
  ])('say %j as %s', (text, code) => {
    expect(toReaderError(new PcscFailure(text))).toMatchObject({ code });
  });
});
