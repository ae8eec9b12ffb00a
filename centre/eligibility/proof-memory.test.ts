import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { CentreDatabase } from '../database.ts';
import { openPlatformDatabase } from '../platform-database.ts';
import { createProofMemory, type TapQuestion } from './proof-memory.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-proofs-'));
const file = join(folder, 'platform.db');
let database: CentreDatabase;

beforeEach(() => {
  database = openPlatformDatabase(file);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true });
});

const ask = (useCounter: number, text: string, samId = '5341000000000001'): TapQuestion => ({
  samId,
  useCounter,
  body: Buffer.from(text),
});
const answer = (question: TapQuestion, text: string): string | undefined =>
  createProofMemory(database).answerOnce(question, () => text);

describe('a tap proof', () => {
  test('opens once; the same question again has the same answer, another question none', () => {
    expect(answer(ask(7, 'question'), 'first')).toBe('first');
    expect(answer(ask(7, 'question'), 'second')).toBe('first');
    expect(answer(ask(7, 'other question'), 'third')).toBeUndefined();
    expect(answer(ask(7, 'question'), 'fourth')).toBe('first');
  });

  test('is void when the SAM was used since, asked before or not', () => {
    answer(ask(7, 'seven'), 'first');
    answer(ask(9, 'nine'), 'second');
    expect(answer(ask(7, 'seven'), 'third')).toBeUndefined();
    expect(answer(ask(8, 'eight'), 'fourth')).toBeUndefined();
    expect(answer(ask(0xffff_ffff, 'last'), 'fifth')).toBe('fifth');
  });

  test('of one SAM says nothing about another', () => {
    answer(ask(900, 'one'), 'first');
    expect(answer(ask(1, 'two', '5341000000000002'), 'second')).toBe('second');
    expect(answer(ask(900, 'one'), 'third')).toBe('first');
  });

  test('is remembered over a restart and by every process of the platform', () => {
    answer(ask(7, 'question'), 'first');
    const neighbour = openPlatformDatabase(file);
    expect(createProofMemory(neighbour).answerOnce(ask(7, 'other'), () => 'no')).toBeUndefined();
    neighbour.close();
    database.close();
    database = openPlatformDatabase(file);
    expect(answer(ask(7, 'question'), 'second')).toBe('first');
    expect(answer(ask(6, 'question'), 'second')).toBeUndefined();
  });

  test('that could not be answered is not used up', () => {
    const fail = (): string => {
      throw new Error('register not there');
    };
    expect(() => createProofMemory(database).answerOnce(ask(7, 'question'), fail)).toThrow('not there');
    expect(answer(ask(7, 'question'), 'first')).toBe('first');
  });

  test('takes one row for each SAM, however many taps', () => {
    for (let use = 1; use <= 40; use += 1) answer(ask(use, `${use}`, `534100000000000${use % 2}`), 'x');
    expect(database.all('SELECT sam_id, use_counter FROM last_tap_proof ORDER BY sam_id')).toEqual([
      { sam_id: '5341000000000000', use_counter: 40 },
      { sam_id: '5341000000000001', use_counter: 39 },
    ]);
  });
});
