import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { alone, compare, isMet, median } from './bench/result.ts';

const RUN = fileURLToPath(new URL('../tools/run.mjs', import.meta.url));

function bench(...words: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [RUN, 'clinic/bench.ts', ...words], (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

describe('the command', () => {
  it('prints exactly one JSON array of exactly these fields', async () => {
    const { code, stdout, stderr } = await bench('--json', '--only', 'photo', '--only', 'codec');
    expect(code).toBe(0);
    expect(stderr).toContain('photo …');
    const rows = JSON.parse(stdout) as Record<string, unknown>[];
    expect(rows.map(({ name }) => name)).toEqual(['photo-decode', 'apdu-parse', 'tlv-parse', 'tlv-encode']);
    for (const row of rows) {
      expect(Object.keys(row)).toEqual(['name', 'value', 'unit', 'baseline', 'ratio']);
      expect(row.value).toBeGreaterThan(0);
      expect(Number(row.value) / Number(row.baseline) / Number(row.ratio)).toBeCloseTo(1, 2);
    }
  });

  it('names the benchmarks when asked for one that is not there', async () => {
    const { code, stdout, stderr } = await bench('--only', 'coffee');
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toContain('lookup');
  });
});

describe('a result', () => {
  const facts = { name: 'x', value: 3, unit: 'ms' };

  it('is compared by ratio or by value with its target', () => {
    const result = compare({ ...facts, baseline: 4 });
    expect(result.ratio).toBe(0.75);
    expect(isMet(result)).toBeUndefined();
    expect(isMet({ ...result, target: { of: 'ratio', atMost: 0.75 } })).toBe(true);
    expect(isMet({ ...result, target: { of: 'ratio', atLeast: 0.8 } })).toBe(false);
    expect(isMet({ ...result, target: { of: 'value', atMost: 2.9 } })).toBe(false);
  });

  it('without a baseline meets no target for a ratio', () => {
    expect(isMet(alone({ ...facts, target: { of: 'ratio', atMost: 9 } }))).toBe(false);
    expect(isMet(alone({ ...facts, target: { of: 'value', atMost: 9 } }))).toBe(true);
  });

  it('is a median: no single bad moment counts', () => {
    expect(median([5, 1, 1000, 2, 3])).toBe(3);
  });
});
