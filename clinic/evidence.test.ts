/** The real command over a store that the ledger filled, with openssl as authority and a SAM that is not ours. */
import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScriptedAuthorities } from '#evidence/testdata/scripted-authorities.ts';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { openUnsealedStore } from '#store/testdata/unsealed-store.ts';
import { applianceFolder, databaseFile } from './state-folder.ts';

const RUN = fileURLToPath(new URL('../tools/run.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sekisho-evidence-command-'));
const state = join(folder, 'state');
const file = join(folder, 'evidence.txt');
const ENTRIES = 4;
const AT = '2026-11-21T09:00:00.000Z';

let anchors: readonly string[];
let otherCa: string;

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function evidence(...words: string[]): Promise<Outcome> {
  const env = { ...process.env, SEKISHO_STATE: state };
  return new Promise((resolve) => {
    execFile(process.execPath, [RUN, 'clinic/evidence.ts', ...words], { env }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), stdout, stderr }),
    );
  });
}

async function fillStore(authorities: ScriptedAuthorities, sam: ScriptedSam): Promise<void> {
  mkdirSync(applianceFolder(state), { recursive: true });
  const store = openUnsealedStore(databaseFile(state));
  for (const { role, der } of authorities.carried()) store.certificates.keep(role, der);
  await store.ledger.append({ kind: 'started', at: AT, version: '0.1.0' });
  const head = await store.ledger.append(
    { kind: 'operator-refused', at: AT, error: 'operator.unknown', screen: 'counter-1' },
    { stamp: sam.stamper },
  );
  const stamped = sam.completeStamp(Buffer.from(head.hash, 'hex'));
  const anchor = {
    kind: 'tick-anchor',
    at: AT,
    tickStamp: stamped.toString('hex'),
    token: authorities.timeStamp(stamped).toString('base64'),
  } as const;
  await store.ledger.append(anchor, { stamp: sam.stamper });
  await store.ledger.append({ kind: 'sam-locked', at: AT, samId: sam.samId, reason: 'closing time' });
  await store.close();
}

beforeAll(async () => {
  const sam = new ScriptedSam();
  const authorities = new ScriptedAuthorities(folder, sam.privateKeyPem);
  await fillStore(authorities, sam);
  anchors = ['--device-ca', join(folder, 'sam-root.pem'), '--tsa-ca', join(folder, 'tsa-root.pem')];
  otherCa = join(folder, 'tsa-root.pem');
  expect(await evidence('--', 'export', '--out', file)).toMatchObject({ code: 0, stderr: '' });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('an export', () => {
  it('verifies against the authorities that the auditor names, in Japanese first', async () => {
    const { code, stdout, stderr } = await evidence('verify', file, ...anchors);
    expect([code, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    expect(lines[0]).toBe('証跡は完全です。');
    expect(stdout).toContain(`確認できた記録　　　　${ENTRIES} 件`);
    expect(stdout).toContain('The evidence is intact.');
    expect(stdout).not.toContain('NOT CHECKED');
  });

  it('says openly what was not checked when no authority was named', async () => {
    const { code, stdout } = await evidence('--', 'verify', file);
    expect(code).toBe(0);
    expect(stdout).toContain('未確認（--device-ca');
    expect(stdout).toContain('未確認（--tsa-ca');
  });

  it('gives the whole report as JSON', async () => {
    const { code, stdout } = await evidence('verify', file, '--json', ...anchors);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      entries: ENTRIES,
      stampsVerified: 2,
      anchorsVerified: 1,
      deviceCertificates: 'trusted',
      timeStamps: 'trusted',
    });
  });

  it('says between which two moments an entry was made', async () => {
    const { code, stdout } = await evidence('verify', file, ...anchors, '--entry', '2', '--entry', '4');
    expect(code).toBe(0);
    const lines = stdout.split('\n').filter((line) => line.startsWith('entry '));
    // The stamped one lies within seconds of the token, on both sides; the last is only known to be younger.
    expect(lines.map((line) => line.replaceAll(/\d{4}-[^ ,\n]+Z/g, 'TIME'))).toEqual([
      'entry 2: made not before TIME, not after TIME',
      'entry 4: made not before TIME, not after (nothing proven)',
    ]);
    expect(stdout).toContain('記録 2: ');
    const { provenIntervals } = JSON.parse(
      (await evidence('verify', file, ...anchors, '--entry', '2', '--json')).stdout,
    );
    const [{ notBeforeMs, notAfterMs }] = provenIntervals;
    expect(notAfterMs - notBeforeMs).toBeGreaterThan(0);
    expect(notAfterMs - notBeforeMs).toBeLessThan(60_000);
  });

  it('names the place of the database when it is somewhere else', async () => {
    const out = join(folder, 'second.txt');
    expect(await evidence('export', '--out', out, '--database', databaseFile(state))).toMatchObject({
      code: 0,
    });
    expect(readFileSync(out)).toEqual(readFileSync(file));
  });
});

describe('what is not intact', () => {
  it('a file of something else is told from broken evidence', async () => {
    const { code, stderr } = await evidence('verify', otherCa);
    expect(code).toBe(1);
    expect(stderr).toContain('証跡を書き出したファイルではありません');
    expect(stderr).toContain('[evidence.export-invalid]');
  });

  it.each([
    ['an altered word', (text: string) => text.replace('closing time', 'opening time'), 4, '書き換えられて'],
    [
      'a removed entry',
      (text: string) => text.replace(/^E .*operator-refused.*\nS .*\n/m, ''),
      2,
      '抜けている',
    ],
    ['a lost end', (text: string) => text.replace(/^Z .*\n/m, ''), 4, '終わりが欠けて'],
  ])('%s is found, and the entry is named', async (_name, change, seq, words) => {
    const changed = join(folder, 'changed.txt');
    const text = readFileSync(file, 'utf8');
    expect(change(text)).not.toBe(text);
    writeFileSync(changed, change(text));
    const { code, stdout, stderr } = await evidence('verify', changed, ...anchors);
    expect(code).toBe(1);
    expect(stdout).toContain(`異常: ${seq} 番目の記録`);
    expect(stdout).toContain(words);
    expect(stdout).toContain(`BROKEN at entry ${seq}`);
    expect(stderr).toContain('evidence.broken');
  });

  it('a stamp of a SAM that the auditor does not trust is none', async () => {
    const { code, stdout } = await evidence('verify', file, '--device-ca', otherCa);
    expect(code).toBe(1);
    expect(stdout).toContain('指定された認証局のものではありません');
  });

  it('a time stamp of another authority is none', async () => {
    const { code, stdout } = await evidence('verify', file, '--tsa-ca', join(folder, 'sam-root.pem'));
    expect(code).toBe(1);
    expect(stdout).toContain('異常: 3 番目の記録');
  });
});

describe('a wrong command', () => {
  const missing = join(folder, 'missing');
  const ANCHORS = ['--device-ca', join(folder, 'sam-root.pem'), '--tsa-ca', join(folder, 'tsa-root.pem')];
  it.each([
    [['verify', missing], 1, 'evidence -- export --out FILE'],
    [['export', '--out', join(missing, 'x.txt')], 1, 'Create it first'],
    [['export', '--out', join(folder, 'x.txt'), '--state', missing], 1, 'npm start'],
    [['export', '--out', folder], 1, `${folder} cannot be written`],
    [['access-log', '--out', join(folder, 'x.csv'), '--database', file], 1, `${file} cannot be read as the`],
    [['export', '--out', join(folder, 'x.txt'), '--database', file], 1, `${file} cannot be read as the`],
    [['verify', file, '--device-ca', file], 1, 'not a readable certificate'],
    [['verify', file, '--entry', '2'], 2, '--entry needs --device-ca and --tsa-ca'],
    [['verify', file, ...ANCHORS, '--entry', 'two'], 2, '--entry takes the number'],
    [['verify', file, ...ANCHORS, '--entry', '99'], 2, 'there is no entry 99'],
    [['export'], 2, '--out FILE is missing'],
    [[], 2, 'export, access-log or verify?'],
  ])('%j ends with %i and the next step, and writes nothing', async (words, code, advice) => {
    const before = readdirSync(folder);
    const result = await evidence(...words);
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(advice);
    expect(readdirSync(folder)).toEqual(before);
  });
});
