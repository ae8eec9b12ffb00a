/** The real command, a real pcscd, Debian's OpenSC and openssl: none of them knows that the card is simulated. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  isPrivatePcscdAvailable,
  type PrivatePcscd,
  startPrivatePcscd,
} from '#drivers/pcsc/private-pcscd.ts';

const execute = promisify(execFile);
const RUN = fileURLToPath(new URL('../tools/run.mjs', import.meta.url));
const MODULE = ['--module', 'opensc-pkcs11.so', '--token-label', 'JPKI (User Authentication PIN)'];

const folder = mkdtempSync(join(tmpdir(), 'sekisho-card-command-'));
const running: ChildProcess[] = [];
let pcscd: PrivatePcscd;
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function start(...words: string[]): ChildProcess {
  const child = spawn(process.execPath, [RUN, 'clinic/card.ts', ...words], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.push(child);
  return child;
}

/** Waits for the one line that says that the card is in the slot. */
async function serve(...words: string[]): Promise<ChildProcess> {
  const child = start(...words);
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stderr! })) {
    if (line.includes('card in the slot')) return child;
    lines.push(line);
  }
  throw new Error(lines.join('\n'));
}

async function outcome(child: ChildProcess): Promise<{ code: number; stdout: string; stderr: string }> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (chunk) => (stdout += chunk));
  child.stderr?.on('data', (chunk) => (stderr += chunk));
  const [code] = await once(child, 'close');
  return { code, stdout, stderr };
}

async function stop(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  return (await ended)[0];
}

/** A foreign tool, talking to the private pcscd. */
function tool(program: string, ...args: string[]): Promise<string> {
  return toolWith({ PCSCLITE_CSOCK_NAME: pcscd.socketPath, OPENSC_CONF: '/dev/null' }, program, ...args);
}

async function toolWith(
  variables: Record<string, string>,
  program: string,
  ...args: string[]
): Promise<string> {
  const env = { ...process.env, ...variables, LANG: 'C' };
  const { stdout, stderr } = await execute(program, args, { cwd: folder, env, timeout: 30_000 });
  return stdout + stderr;
}

describe('the command line', () => {
  it('lists the people on standard output', async () => {
    const { code, stdout, stderr } = await outcome(start('--list'));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^mihon-hanako +vendor-1 +patient +PIN 1234/m);
  });

  it.each([
    [['--vpcd', '--port', '1'], 1, 'apt install pcscd vsmartcard-vpcd'],
    [['--vpcd', '--kind', 'hpki', '--person', 'mihon-taro'], 1, 'card.not-hpki-card'],
    [['--vpcd', '--card', 'none.json'], 1, '--export FILE'],
    [['--vpcd', '--fault', 'explode'], 2, 'remove-after'],
    [['--vpcd', '--fault', 'ack-lost'], 2, 'ack-lost: unknown'],
    [['--pn532', '/no-such-folder/uart'], 1, 'an unused path for a new pty'],
    [['--pn532', '127.0.0.1:1'], 1, 'that somebody listens on'],
    [[], 2, '--vpcd or --pn532 WHERE is missing'],
  ])('%j ends with %i and says what to do', async (words, code, advice) => {
    const result = await outcome(start(...words));
    expect(result).toMatchObject({ code, stdout: '' });
    expect(result.stderr).toContain(advice);
  });
});

/** Not by `--wait`: it waits for ever for a card that comes between its first look and its waiting. */
const cardSeen = (...where: readonly string[]): Promise<string> =>
  vi.waitFor(() => tool('opensc-tool', ...where, '--atr'), { timeout: 20_000, interval: 100 });

describe.skipIf(!isPrivatePcscdAvailable())('a card served by the command', () => {
  let port: string;
  let samPort: string;
  beforeAll(async () => {
    pcscd = await startPrivatePcscd({ folder });
    [port = '', samPort = ''] = pcscd.vpcdPorts.map(String);
  });
  afterEach(async () => {
    for (const child of running.splice(0)) if (child.exitCode === null) await stop(child);
  });
  afterAll(() => pcscd.stop());

  it('is listed, read and used by OpenSC, and openssl verifies its signature', async () => {
    const child = await serve('--vpcd', '--port', port);
    const stdout = outcome(child);
    await cardSeen();
    expect(await tool('opensc-tool', '--list-readers')).toContain('Yes');
    expect(await tool('opensc-tool', '--name')).toMatch(/^jpki$/im);
    expect(await tool('pkcs15-tool', '--list-certificates')).toContain('User Authentication Certificate');
    await tool('pkcs15-tool', '--read-certificate', '1', '--output', 'certificate.pem');
    writeFileSync(join(folder, 'data'), 'what the person agrees to');
    const login = ['--login', '--pin', '1234'];
    const sign = ['--sign', '--mechanism', 'SHA256-RSA-PKCS', '--id', '01', '-i', 'data', '-o', 'signature'];
    await tool('pkcs11-tool', ...MODULE, ...login, ...sign);
    const publicKey = await tool('openssl', 'x509', '-in', 'certificate.pem', '-noout', '-pubkey');
    writeFileSync(join(folder, 'public.pem'), publicKey);
    const verify = ['-sha256', '-verify', 'public.pem', '-signature', 'signature', 'data'];
    expect(await tool('openssl', 'dgst', ...verify)).toContain('Verified OK');
    const wrong = tool('pkcs11-tool', ...MODULE, '--login', '--pin', '9999', '--list-objects');
    await expect(wrong).rejects.toThrow('CKR_PIN_INCORRECT');
    expect(await stop(child)).toBe(0);
    expect((await stdout).stdout).toBe('');
  });

  it('can be a SAM in the second slot', async () => {
    const child = await serve('--vpcd', '--kind', 'sam', '--port', samPort);
    await cardSeen('--reader', pcscd.readerNames[1]!);
    const select = ['--send-apdu', '00A4040009F053454B4953484F0100'];
    const answer = await tool('opensc-tool', '--reader', pcscd.readerNames[1]!, ...select);
    expect(answer).toContain('SW1=0x90, SW2=0x00');
    expect(await stop(child)).toBe(0);
  });

  it('comes out of a file, and its PIN counter goes back into it', async () => {
    const file = join(folder, 'card.json');
    const exported = await outcome(start('--person', 'mihon-taro', '--export', file));
    expect(exported).toMatchObject({ code: 0, stdout: '' });
    expect(statSync(file).mode & 0o077).toBe(0);
    await serve('--vpcd', '--card', file, '--port', port);
    await cardSeen();
    await tool('pkcs11-tool', ...MODULE, '--login', '--pin', '0000', '--list-objects').catch(() => {});
    const { applications } = JSON.parse(readFileSync(file, 'utf8'));
    const pins = applications.find(({ kind }: { kind: string }) => kind === 'jpki').pins;
    expect(pins.find(({ id }: { id: string }) => id === '0018')).toMatchObject({ triesLeft: 2, triesMax: 3 });
  });

  it('ends with the next step when its card was pulled', async () => {
    const child = await serve('--vpcd', '--fault', 'remove-after:0', '--port', port);
    const ended = outcome(child);
    let isOver = false;
    const over = ended.then(() => {
      isOver = true;
    });
    while (!isOver)
      await Promise.race([over, tool('opensc-tool', '--send-apdu', '00A40000').catch(() => {})]);
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Run the command again') });
  });
});

describe('a card served on an emulated PN532', () => {
  afterEach(async () => {
    for (const child of running.splice(0)) if (child.exitCode === null) await stop(child);
  });

  it('is found by libnfc on the pty that the command made, which goes with it', async () => {
    const uart = join(folder, 'uart');
    const child = await serve('--pn532', uart, '--kind', 'hpki', '--fault', 'slow:1');
    const list = await toolWith({ LIBNFC_DEVICE: `pn532_uart:${uart}` }, 'nfc-list', '-v');
    expect(list).toMatch(/Protocol Info: f7 +81 +d1/);
    expect(await stop(child)).toBe(0);
    expect(existsSync(uart)).toBe(false);
    await serve('--pn532', uart);
  });

  it('answers on a socket that somebody listens on, and ends with it', async () => {
    const path = join(folder, 'socket');
    const server = createServer().listen(path);
    await once(server, 'listening');
    const connected = once(server, 'connection');
    const child = await serve('--pn532', path, '--fault', 'ack-twice');
    const ended = outcome(child);
    const [socket] = (await connected) as [Socket];
    socket.write(Buffer.from('555500000000000000000000000000000000FF02FED4022A00', 'hex'));
    let received = '';
    for await (const chunk of socket) {
      received += chunk.toString('hex');
      if (received.endsWith('07e800')) break;
    }
    expect(received).toBe('0000ff00ff000000ff00ff000000ff06fad50332010607e800');
    server.close();
    expect(await ended).toMatchObject({ code: 1, stderr: expect.stringContaining('Run the command again') });
  });
});
