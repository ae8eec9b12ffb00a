import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeReport } from './report.ts';
import { SampleExport } from './testdata/sample-export.ts';
import { STARTED } from './testdata/sample-records.ts';
import { ScriptedAuthorities } from './testdata/scripted-authorities.ts';
import { ScriptedSam } from './testdata/scripted-sam.ts';
import { type VerifyOptions, verifyExport } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-verify-'));
const sam = new ScriptedSam();
let authorities: ScriptedAuthorities;
let trusted: VerifyOptions;

beforeAll(() => {
  authorities = new ScriptedAuthorities(folder, sam.privateKeyPem);
  trusted = {
    deviceCaPem: authorities.pem('sam-root'),
    timeStamps: { anchorsPem: authorities.pem('tsa-root'), verify: authorities.verifyTimeStamp },
  };
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const start = (): SampleExport => new SampleExport(sam, authorities.carried());
const timeStamp = (stamped: Buffer): Buffer => authorities.timeStamp(stamped);

/** The reason of the first problem, or `intact`. */
async function verdict(bytes: Iterable<Uint8Array>, options: VerifyOptions = trusted): Promise<string> {
  return (await verifyExport(bytes, options)).firstProblem?.reason ?? 'intact';
}

describe('a whole export', () => {
  test('verifies, and proves when each visit was', async () => {
    const before = Math.floor(Date.now() / 1000) * 1000;
    const made = start().add(STARTED, false).addAnchor(timeStamp).addTap().addTap();
    const report = await verifyExport(made.bytes(), trusted);
    expect(report).toMatchObject({
      ok: true,
      entries: 6,
      head: { seq: 6, hash: made.prev },
      stampsVerified: 3,
      visitsUnstamped: 0,
      proofsVerified: 2,
      anchorsVerified: 1,
      deviceCertificates: 'trusted',
      timeStamps: 'trusted',
    });
    expect(report.provenIntervals.map(({ seq }) => seq)).toEqual([4, 6]);
    const [{ notBeforeMs, notAfterMs }] = report.provenIntervals as unknown as [
      { notBeforeMs: number; notAfterMs: number },
    ];
    // Anchor ticks n and n+1, visit n+2; one second each; ± 1 s accuracy.
    expect(notBeforeMs).toBeGreaterThanOrEqual(before - 1_000);
    expect(notAfterMs).toBeLessThan(Date.now() + 1_000 + 3_000 + 1);
    expect(describeReport(report)[0]).toBe('The evidence is intact.');
  });

  test('may be empty, may come in any chunks, may lack the last line feed', async () => {
    expect(await verdict([Buffer.from('H sekisho-evidence 1\nZ 0 -\n')])).toBe('intact');
    const [whole] = start().add(STARTED).addTap().bytes() as [Buffer];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(whole.length), { maxLength: 12 }), async (cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), whole.length];
        const chunks = at.slice(1).map((end, index) => whole.subarray(at[index], end));
        expect(await verdict(chunks)).toBe('intact');
      }),
      { numRuns: 30 },
    );
    expect(await verdict([whole.subarray(0, -1)])).toBe('intact');
  });

  test('answers the intervals that are asked for', async () => {
    const made = start().add(STARTED, false).addAnchor(timeStamp).add(STARTED, false);
    const { provenIntervals } = await verifyExport(made.bytes(), { ...trusted, intervalsOf: [1, 3] });
    expect(provenIntervals).toMatchObject([
      { seq: 1, notBeforeMs: undefined },
      { seq: 3, notAfterMs: undefined },
    ]);
    expect(provenIntervals[0]?.notAfterMs).toBeTypeOf('number');
    expect(provenIntervals[1]?.notBeforeMs).toBeTypeOf('number');
  });

  test('takes the length of a tick from the SAM alone, whatever the record beside it says', async () => {
    const honest = start().addAnchor(timeStamp).addTap();
    const own = new ScriptedSam();
    Object.assign(own, { keys: sam.keys, tickPeriodMs: 0 });
    const stamped = own.completeStamp(Buffer.alloc(32));
    const claim = { tickPeriodMs: 1_000 };
    const claiming = new SampleExport(own, authorities.carried())
      .add({
        kind: 'tick-anchor',
        at: '2026-11-21T00:00:00.000Z',
        tickStamp: stamped.toString('hex'),
        token: timeStamp(stamped).toString('base64'),
        ...claim,
      })
      .addTap();
    const latest = async (made: SampleExport): Promise<number | undefined> =>
      (await verifyExport(made.bytes(), trusted)).provenIntervals[0]?.notAfterMs;
    expect(await latest(honest)).toBeTypeOf('number');
    expect(await latest(claiming)).toBeUndefined();
  });

  test('without a CA says so', async () => {
    const report = await verifyExport(start().addAnchor(timeStamp).bytes());
    expect(report).toMatchObject({
      ok: true,
      deviceCertificates: 'not-checked',
      timeStamps: 'not-checked',
      anchorsVerified: 0,
    });
  });
});

describe('a damaged export', () => {
  test('cut after any byte, it is never called whole', async () => {
    const [whole] = start().add(STARTED).addTap().bytes() as [Buffer];
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 2), async (length) => {
        expect(await verdict([whole.subarray(0, length)])).not.toBe('intact');
      }),
      { numRuns: 150 },
    );
  });

  test('with any one bit flipped behind the certificates, it is never called whole', async () => {
    const made = start().add(STARTED).addTap();
    const [whole] = made.bytes() as [Buffer];
    const entries = whole.indexOf('\nE ');
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: entries, max: whole.length - 2 }), fc.nat(7), async (at, bit) => {
        const flipped = Buffer.from(whole);
        flipped[at] = flipped[at]! ^ (1 << bit);
        expect(await verdict([flipped])).not.toBe('intact');
      }),
      { numRuns: 1_000 },
    );
  });

  test('names line and entry of the first problem', async () => {
    const made = start().add(STARTED).add(STARTED).add(STARTED);
    const broken = made.replaced(`S `, (line) => line.replace('S e752', 'S e753'));
    const report = await verifyExport(broken, trusted);
    expect(report).toMatchObject({
      ok: false,
      entries: 2,
      firstProblem: { line: 10, seq: 3, reason: 'stamp-malformed' },
    });
    expect(describeReport(report)[0]).toBe('BROKEN at entry 3 (line 10): stamp-malformed');
  });

  test.each([
    ['a line of no kind', 'Z', () => 'X', 'line-malformed'],
    ['a wrong head', 'Z', () => `Z 2 ${'0'.repeat(64)}`, 'end-wrong'],
    ['a wrong count', 'Z', (line: string) => line.replace('Z 2', 'Z 1'), 'end-wrong'],
    ['two stamps', 'S', (line: string) => `${line}\n${line}`, 'line-out-of-order'],
    ['two headers', 'H', (line: string) => `${line}\n${line}`, 'line-out-of-order'],
    ['another version', 'H', () => 'H sekisho-evidence 2', 'line-malformed'],
    ['a late certificate', 'Z', (line: string) => `C tsa AAAA\n${line}`, 'line-out-of-order'],
    ['an unknown role', 'C tsa', (line: string) => line.replace('tsa', 'root'), 'line-malformed'],
    ['a certificate that is none', 'C sam-device', () => 'C sam-device AAAA', 'certificate-malformed'],
    ['lines after the end', 'Z', (line: string) => `${line}\n${line}`, 'line-out-of-order'],
  ])('%s is found', async (_what, match, change, reason) => {
    expect(await verdict(start().add(STARTED).add(STARTED).replaced(match, change))).toBe(reason);
  });

  test('a line without end does not fill the memory', async () => {
    let chunks = 0;
    function* endless(): Generator<Buffer> {
      for (; ; chunks += 1) yield Buffer.alloc(1 << 18, 0x45);
    }
    expect(await verdict(endless())).not.toBe('intact');
    expect(chunks).toBeLessThan(8);
  });
});
