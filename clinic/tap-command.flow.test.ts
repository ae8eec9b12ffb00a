/** `npm run -s tap`, as it stands in the manual: one JSON object on standard output, and an exit code that can be trusted. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Mode, TapStepName } from '#contract/snapshot.ts';
import { EligibilityValidity } from '#contract/visit.ts';
import { isPrivatePcscdAvailable, READER_KINDS } from './readers.ts';
import { buildPrograms } from './testing/appliance-process.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const HANAKO = fileURLToPath(new URL('../drivers/simulated/people/mihon-hanako.json', import.meta.url));

const Line = z.object({
  count: z.number().int().positive(),
  bytesOut: z.number().int().positive(),
  bytesIn: z.number().int().positive(),
});

const temporary = mkdtempSync(join(tmpdir(), 'sekisho-tap-command-'));

/** What issue 2 promises, field by field; more may stand there. */
const AcceptedVisit = z.object({
  outcome: z.literal('accepted'),
  cardId: z.string().regex(/^[RK]\d-/),
  patientNumber: z.string().optional(),
  mode: Mode,
  eligibility: z.object({ validity: EligibilityValidity, source: z.enum(['now', 'last-known', 'none']) }),
  evidence: z.object({ seq: z.number().int().positive(), hash: z.string().regex(/^[0-9a-f]{64}$/) }),
  visitRecord: z.enum(['delivered', 'queued']),
  steps: z.array(z.object({ name: TapStepName, ms: z.number().nonnegative() })).min(10),
  apdu: z.object({ card: Line, sam: Line }),
  totalMs: z.number().positive(),
  cardMs: z.number().nonnegative(),
  samMs: z.number().nonnegative(),
  criticalPathMs: z.number().nonnegative(),
});
const Result = z.object({
  ok: z.boolean(),
  mode: Mode,
  reader: z.enum(READER_KINDS),
  visits: z.array(AcceptedVisit),
  evidenceVerified: z.literal(true),
});

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function tap(...words: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    const command = ['tools/run.mjs', 'clinic/tap.ts', ...words];
    const env = { ...process.env, TMPDIR: temporary };
    execFile(process.execPath, command, { cwd: ROOT, env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

beforeAll(buildPrograms);
/** Nothing stays behind, whatever came of it. */
afterAll(() => {
  const left = readdirSync(temporary);
  rmSync(temporary, { recursive: true });
  expect(left).toEqual([]);
});

const READERS = READER_KINDS.filter((kind) => kind !== 'pcsc' || isPrivatePcscdAvailable());
const WORLDS = READERS.flatMap((reader) =>
  (['online', 'degraded', 'offline'] as const).map((mode) => [mode, reader] as const),
);

describe('visits as they should be', () => {
  it.each(WORLDS)('--mode %s --reader %s: exactly one JSON object, exit code 0', async (mode, reader) => {
    const { code, stdout, stderr } = await tap('--json', '--count', '2', '--mode', mode, '--reader', reader);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    const result = Result.parse(JSON.parse(stdout));
    expect(result).toMatchObject({ ok: true, mode, reader });
    expect(result.visits).toHaveLength(2);
    const [first, second] = result.visits;
    expect(second?.cardId).toBe(first?.cardId);
    expect(second?.evidence.seq).toBeGreaterThan(first?.evidence.seq ?? Number.POSITIVE_INFINITY);
    for (const visit of result.visits) {
      expect(visit).toMatchObject({ mode, visitRecord: mode === 'online' ? 'delivered' : 'queued' });
      expect(visit.eligibility.source).toBe(mode === 'online' ? 'now' : 'none');
    }
  });

  it('--timing real: no faster than card and SAM can be', async () => {
    const { code, stdout } = await tap('--json', '--timing', 'real');
    expect(code).toBe(0);
    const [visit] = Result.parse(JSON.parse(stdout)).visits;
    // Two RSA signatures of 350 ms each stand on the critical path.
    expect(visit?.criticalPathMs).toBeGreaterThan(700);
    expect(visit?.totalMs).toBeGreaterThanOrEqual(visit?.criticalPathMs ?? Number.POSITIVE_INFINITY);
    expect(visit?.cardMs).toBeLessThanOrEqual(visit?.criticalPathMs ?? 0);
    expect(visit?.samMs).toBeGreaterThan(0);
  });

  it('without --json the same object, made for eyes', async () => {
    const { code, stdout } = await tap();
    expect(code).toBe(0);
    expect(stdout.split('\n').length).toBeGreaterThan(20);
    expect(Result.parse(JSON.parse(stdout))).toMatchObject({ ok: true, mode: 'online', reader: 'inprocess' });
  });

  it('--card FILE and --photo: the card of that person, whose photo is compared', async () => {
    const { code, stdout } = await tap('--json', '--card', HANAKO, '--photo');
    expect(code).toBe(0);
    const [visit] = Result.parse(JSON.parse(stdout)).visits;
    expect(visit?.steps.map(({ name }) => name)).toContain('photo');
  });
});

describe('visits as they should not be', () => {
  it.each([
    ['P0006', 'refused', 'patient.certificate-expired'],
    ['kakuu-ishi', 'failed', 'card.not-my-number-card'],
  ])('--person %s: exit code 1, and the object says why', async (person, outcome, error) => {
    const { code, stdout, stderr } = await tap('--json', '--person', person);
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
    expect(stdout.trimEnd().split('\n')).toHaveLength(1);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: false,
      visits: [{ outcome, error, visitRecord: 'none' }],
      evidenceVerified: true,
    });
  });

  it.each([
    [['--mode', 'sideways'], 2, '--mode sideways: one of online|degraded|offline'],
    [['--count', '0'], 2, '--count 0: 1 to 100000'],
    [['--person', 'nobody'], 2, '--person nobody: no such person'],
    [['--sideways'], 2, '--sideways'],
    [['--card', '/nowhere.json'], 1, '/nowhere.json'],
  ] as const)(
    '%j: exit code %i, nothing on standard output, and what to write instead',
    async (words, exit, advice) => {
      const { code, stdout, stderr } = await tap('--json', ...words);
      expect({ code, stdout }).toEqual({ code: exit, stdout: '' });
      expect(stderr).toContain(advice);
      expect(stderr).not.toMatch(/^\s+at /m);
    },
  );
});
