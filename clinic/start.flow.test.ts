/** `npm start` as the README has it: a newcomer's first visit, then what is left for who comes after. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CounterClient } from './counter-client.ts';
import { buildPrograms, ROOT } from './testing/appliance-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-start-'));
const env = { ...process.env, SEKISHO_STATE: join(folder, 'state') };
const FREE_PORTS = ['--port', '0', '--cards-port', '0', '--monitor-port', '0'];
/** A program that neither runs nor ends is killed: its code is none. */
const LONGEST_MS = 60_000;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(entry: string, ...words: string[]): Promise<Ended> {
  const options = { cwd: ROOT, env, timeout: LONGEST_MS, killSignal: 'SIGKILL' } as const;
  return new Promise((resolve) => {
    const command = ['tools/run.mjs', `clinic/${entry}.ts`, ...words];
    execFile(process.execPath, command, options, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : ((error.code as number | undefined) ?? null), stdout, stderr }),
    );
  });
}

function fetchText(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}

beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

describe('the clinic of npm start', () => {
  let clinic: ChildProcess;
  let told = '';
  const addressOf = (name: string): string => new RegExp(`${name} +(https?://\\S+)`).exec(told)?.[1] ?? '';
  /** A button of the card table. */
  const press = async (path: string, form: Record<string, string> = {}): Promise<string> => {
    const body = new URLSearchParams(form);
    return (await fetch(new URL(path, addressOf('Card table')), { method: 'POST', body })).text();
  };

  beforeAll(async () => {
    clinic = spawn('npm', ['start', '--', ...FREE_PORTS], {
      cwd: ROOT,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    for await (const chunk of clinic.stdout?.setEncoding('utf8').iterator({ destroyOnReturn: false }) ?? []) {
      told += chunk;
      if (told.includes('Ctrl+C')) break;
    }
  }, LONGEST_MS);
  /** With all that it started; there is nobody left when everything went well. */
  afterAll(() => {
    try {
      process.kill(-(clinic.pid ?? 0), 'SIGKILL');
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code !== 'ESRCH') throw thrown;
    }
  });

  it('says where everything is, and behind what the cards are', () => {
    expect(told).toContain('診療所が始まりました');
    expect(told).toMatch(/cards (behind a real pcscd|in process)/);
    for (const name of ['Counter page', 'Card table', 'Visit monitor']) {
      expect(addressOf(name), name).toMatch(/^https?:\/\/127\.0\.0\.1:\d+$/);
    }
  });

  it('takes the visit that the announcement describes, and the visit monitor shows it', async () => {
    const [, doctor = '', pin = ''] = /「(.+?)」を置き、.*暗証番号 (\d+)/.exec(told) ?? [];
    const [, patient = ''] = /2\. 「(.+?)」/.exec(told) ?? [];
    const table = await press('/remove');
    const cardOf = (name: string): string =>
      new RegExp(`value="([^"]+)"[^>]*>\\s*<strong>${name}</strong>`).exec(table)?.[1] ?? '';
    const ca = readFileSync(join(env.SEKISHO_STATE, 'centre/pki/centre-tls.cert.pem'), 'utf8');
    expect(await fetchText(addressOf('Counter page'), ca)).toContain('lang="ja"');
    const counter = new CounterClient(addressOf('Counter page'), ca);
    try {
      await press('/place', { card: cardOf(doctor) });
      await counter.signIn('hpki', pin);
      await press('/place', { card: cardOf(patient) });
      const { tapId } = await counter.startTap();
      await counter.consent(tapId, 'ok');
      await expect
        .poll(async () => (await counter.waitForTap(tapId, 5_000)).state, { timeout: LONGEST_MS })
        .toBe('faceCheck');
      const { visitId, outcome } = await counter.faceCheck(tapId, 'printed-photo', 'match');
      expect(outcome).toBe('accepted');
      await expect
        .poll(() => fetchText(addressOf('Visit monitor'), ca), { timeout: LONGEST_MS, interval: 200 })
        .toContain(visitId);
    } finally {
      counter.close();
    }
  });

  it.each([
    ['--port', 'Counter page'],
    ['--cards-port', 'Card table'],
    ['--monitor-port', 'Visit monitor'],
  ])('a second clinic on the same %s ends, and says what to do', async (option, name) => {
    const words = FREE_PORTS.with(FREE_PORTS.indexOf(option) + 1, new URL(addressOf(name)).port);
    const second = { ...env, SEKISHO_STATE: join(folder, 'second') };
    const child = spawn(process.execPath, ['tools/run.mjs', 'clinic/start.ts', ...words], {
      cwd: ROOT,
      env: second,
      stdio: ['ignore', 'ignore', 'pipe'],
      timeout: LONGEST_MS,
      killSignal: 'SIGKILL',
    });
    let complaint = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    expect(await once(child, 'close')).toEqual([1, null]);
    expect(complaint).toMatch(/^待ち受けるアドレスとポートを使えません。.*--monitor-port/);
    expect(complaint).toContain('[config.address-unusable]\n  listen EADDRINUSE');
  });

  it('ends at once when it is told to, and leaves evidence that verifies', async () => {
    clinic.kill('SIGTERM');
    expect(await once(clinic, 'exit')).toEqual([0, null]);
    // Not npm alone has ended.
    await expect(fetch(addressOf('Card table'))).rejects.toThrow();
    const file = join(folder, 'evidence.txt');
    expect(await run('evidence', 'export', '--out', file)).toMatchObject({ code: 0, stderr: '' });
    const verified = await run('evidence', 'verify', file);
    expect(verified).toMatchObject({ code: 0, stderr: '' });
    expect(verified.stdout).toMatch(/^証跡は完全です。/);
  });
});

it.each([
  ['--port', 'abc'],
  ['--cards-port', '70000'],
  ['--reader', 'usb'],
])('%s %s: says what is wrong and how it is written', async (option, word) => {
  const { code, stdout, stderr } = await run('start', option, word);
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  expect(stderr).toMatch(new RegExp(`^コマンドの書き方が違います / wrong words: ${option} ${word}: `));
  expect(stderr).toContain('--monitor-port');
});
