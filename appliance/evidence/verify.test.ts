import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeReport } from './report.ts';
import { SampleExport } from './testdata/sample-export.ts';
import { STARTED, sampleVisit } from './testdata/sample-records.ts';
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
    const made = start().add(STARTED, false).addAnchor(timeStamp, 1_000).addTap().addTap();
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
    const made = start().add(STARTED).addAnchor(timeStamp).add(STARTED, false);
    const { provenIntervals } = await verifyExport(made.bytes(), { ...trusted, intervalsOf: [1, 3] });
    expect(provenIntervals).toMatchObject([
      { seq: 1, notBeforeMs: undefined },
      { seq: 3, notAfterMs: undefined },
    ]);
    expect(provenIntervals[0]?.notAfterMs).toBeTypeOf('number');
    expect(provenIntervals[1]?.notBeforeMs).toBeTypeOf('number');
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
    const broken = made.replaced(`S `, (line) => line.replace('S e74e', 'S e74f'));
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

describe('a forged export, chain and all', () => {
  const entry = (canonical: string): string =>
    `E ${createHash('sha256').update(canonical).digest('hex')} ${canonical}`;
  const alone = (canonical: string): Buffer[] => {
    const line = entry(canonical);
    return new SampleExport(sam).bytes(['H sekisho-evidence 1', line, `Z 1 ${line.slice(2, 66)}`]);
  };
  const zeros = '0'.repeat(64);

  test.each([
    ['a name twice', `{"prev":"${zeros}","record":{"kind":"a","kind":"b"},"seq":1,"v":1}`],
    [
      'a second record',
      `{"prev":"${zeros}","record":{"kind":"a"},"seq":2,"record":{"kind":"b"},"seq":1,"v":1}`,
    ],
    ['spaces', `{"prev":"${zeros}","record":{"kind": "a"},"seq":1,"v":1}`],
    ['names out of order', `{"prev":"${zeros}","record":{"kind":"a","at":"b"},"seq":1,"v":1}`],
    ['no JSON', `{"prev":"${zeros}","record":{kind},"seq":1,"v":1}`],
  ])('%s in an entry is refused', async (_what, canonical) => {
    expect(await verdict(alone(canonical), {})).toBe('record-not-canonical');
  });

  test('a record without a kind, or a proof that is none, is refused', async () => {
    expect(await verdict(alone(`{"prev":"${zeros}","record":{},"seq":1,"v":1}`), {})).toBe(
      'record-malformed',
    );
    const proof = '{"kind":"visit","proof":{}}';
    expect(await verdict(alone(`{"prev":"${zeros}","record":${proof},"seq":1,"v":1}`), {})).toBe(
      'record-malformed',
    );
  });

  test('stamps of another SAM, another entry, or another CA are refused', async () => {
    const other = new ScriptedSam(sam.samId);
    expect(await verdict(new SampleExport(other, authorities.carried()).add(STARTED).bytes())).toBe(
      'stamp-signature-wrong',
    );
    const { stamp, signature } = sam.stamp(Buffer.alloc(32));
    const moved = start()
      .add(STARTED)
      .replaced('S', () => `S ${stamp} ${signature}`);
    expect(await verdict(moved)).toBe('stamp-of-other-entry');
    const otherCa = { ...trusted, deviceCaPem: authorities.pem('tsa-root') };
    expect(await verdict(start().add(STARTED).bytes(), otherCa)).toBe('device-certificate-untrusted');
    const pathless = authorities.carried().filter(({ role }) => role !== 'sam-ca');
    expect(await verdict(new SampleExport(sam, pathless).add(STARTED).bytes())).toBe(
      'device-certificate-untrusted',
    );
  });

  test('a device certificate under one that is no CA is refused', async () => {
    authorities.issue('leaf', 'device', 'sam-ca');
    authorities.issue('false-device', 'device', 'leaf', 'device.key');
    const carried = [
      { role: 'sam-device', der: authorities.der('false-device') },
      { role: 'sam-ca', der: authorities.der('leaf') },
      { role: 'sam-ca', der: authorities.der('sam-ca') },
    ] as const;
    expect(await verdict(new SampleExport(sam, carried).add(STARTED).bytes())).toBe(
      'device-certificate-untrusted',
    );
  });

  test('ticks, nonces and the use counter cannot go back', async () => {
    const scripted = (): { sam: ScriptedSam; made: SampleExport } => {
      const own = new ScriptedSam();
      Object.assign(own, { keys: sam.keys });
      return { sam: own, made: new SampleExport(own, authorities.carried()).add(STARTED) };
    };
    const ticks = scripted();
    ticks.sam.ticks -= 5;
    expect(await verdict(ticks.made.add(STARTED).bytes())).toBe('ticks-went-back');
    const uses = scripted();
    uses.sam.useCounter -= 1;
    expect(await verdict(uses.made.add(STARTED).bytes())).toBe('use-counter-went-back');
    const nonce = scripted();
    nonce.sam.tickNonce = '22'.repeat(16);
    nonce.sam.ticks = 0;
    expect(await verdict(nonce.made.add(STARTED).bytes())).toBe('intact');
    nonce.sam.tickNonce = '11'.repeat(16);
    nonce.sam.ticks = 9_000;
    expect(await verdict(nonce.made.add(STARTED).bytes())).toBe('tick-nonce-returned');
  });

  test('a tap stands on its own consent and its own use of the key', async () => {
    expect(
      await verdict(
        start()
          .addTap({ tapChallenge: '00'.repeat(32) })
          .bytes(),
      ),
    ).toBe('tap-challenge-wrong');
    expect(
      await verdict(
        start()
          .addTap({ consentDigest: '00'.repeat(32) })
          .bytes(),
      ),
    ).toBe('consent-missing');
    const tap = start().addTap();
    sam.useCounter -= 1;
    const twice = tap.addTap();
    sam.useCounter += 1;
    expect(await verdict(twice.bytes())).toBe('tap-repeated');
  });

  test('a visit by card without its stamp is counted, an insured-number visit is not', async () => {
    const made = start().addTap().add(sampleVisit('8d2f3a0e-3f6c-4c52-9c9a-111111111111'), false);
    const stripped = made.lines.filter((line) => !line.startsWith('S'));
    const report = await verifyExport(made.bytes([...stripped, `Z ${made.seq} ${made.prev}`]), trusted);
    expect(report).toMatchObject({ ok: true, visitsUnstamped: 1, stampsVerified: 0 });
  });

  test('an anchor needs a token over its own stamp, from the trusted authority', async () => {
    const other = (): Buffer => authorities.timeStamp(Buffer.from('something else'));
    expect(await verdict(start().addAnchor(other).bytes())).toBe('time-stamp-wrong');
    expect(
      await verdict(
        start()
          .addAnchor(() => Buffer.from('no token'))
          .bytes(),
      ),
    ).toBe('time-stamp-wrong');
    const wrongCa = { anchorsPem: authorities.pem('sam-root'), verify: authorities.verifyTimeStamp };
    expect(await verdict(start().addAnchor(timeStamp).bytes(), { timeStamps: wrongCa })).toBe(
      'time-stamp-wrong',
    );
  });

  test('a wrong token stands before the problems behind it', async () => {
    const made = start()
      .add(STARTED)
      .addAnchor(() => Buffer.from('no token'))
      .add(STARTED);
    const report = await verifyExport(made.bytes([...made.lines, 'X']), trusted);
    expect(report).toMatchObject({
      ok: false,
      entries: 1,
      firstProblem: { seq: 2, reason: 'time-stamp-wrong' },
    });
  });

  test('an anchor outside the life of the device certificate is refused', async () => {
    const late = {
      ...trusted.timeStamps!,
      verify: () => Promise.resolve({ genTimeMs: Date.parse('2100-01-01'), accuracyMs: 0 }),
    };
    expect(await verdict(start().addAnchor(timeStamp).bytes(), { timeStamps: late })).toBe(
      'device-certificate-out-of-date',
    );
  });
});
