import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SampleExport } from './testdata/sample-export.ts';
import { STARTED, sampleVisit } from './testdata/sample-records.ts';
import { ScriptedAuthorities } from './testdata/scripted-authorities.ts';
import { ScriptedSam } from './testdata/scripted-sam.ts';
import { type VerifyOptions, verifyExport } from './verify.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-forgery-'));
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

  test('the length of a tick is signed, and stays what it was within a power-up', async () => {
    const longer = start().add(STARTED);
    const bytes = longer.replaced('S', (line) => line.replace('8a0203e88820', '8a0207d08820'));
    expect(await verdict(bytes)).toBe('stamp-signature-wrong');
    const own = new ScriptedSam();
    Object.assign(own, { keys: sam.keys });
    const changing = new SampleExport(own, authorities.carried()).add(STARTED);
    own.tickPeriodMs = 2_000;
    expect(await verdict(changing.add(STARTED).bytes())).toBe('tick-period-changed');
    own.tickPeriodMs = 1_000;
    const anchored = new SampleExport(own, authorities.carried());
    const changed = anchored.addAnchor((stamped) => {
      own.tickPeriodMs = 2_000;
      return timeStamp(stamped);
    });
    expect(await verdict(changed.bytes())).toBe('tick-period-changed');
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
