import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseCommand, UsageError } from './command.ts';
import { openCentreParts } from './parts.ts';
import { generatePrivateKey } from './pki/algorithm.ts';
import { encodePem } from './pki/key-folder.ts';
import { issueHpkiAuthentication, issueSamDevice } from './pki/role-certificate.ts';
import { openssl } from './testing/openssl.ts';
import { sharedRsaKey } from './testing/rsa-keys.ts';
import { createAppliance } from './testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-main-'));
const state = join(folder, 'state');
const program = join(folder, 'main.mjs');
const running: ChildProcess[] = [];

beforeAll(async () => {
  // The program as it runs installed: compiled, in a process of its own.
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  await build({
    entryPoints: ['centre/main.ts'],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['better-sqlite3', 'zod'],
    logLevel: 'silent',
  });
  openCentreParts({ folder: state, rsaKey: sharedRsaKey }).close();
});
afterAll(async () => {
  for (const child of running) {
    if (child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true, force: true });
});

const run = (...args: string[]) => promisify(execFile)(process.execPath, [program, ...args]);

/** Starts `serve` and resolves with the addresses that it prints when it listens. */
async function serve(...args: string[]): Promise<{ child: ChildProcess; urls: Record<string, string> }> {
  const child = spawn(process.execPath, [program, 'serve', '--folder', state, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  running.push(child);
  const [line] = (await once(createInterface({ input: child.stdout! }), 'line')) as [string];
  return { child, urls: (JSON.parse(line) as { urls: Record<string, string> }).urls };
}

describe('as processes', () => {
  test('init makes the people, services run apart and share their state', async () => {
    const { stdout } = await run('init', '--folder', state, '--people', '40', '--as-of', '20260601');
    expect(JSON.parse(stdout)).toEqual({ folder: state, people: 40 });
    const people = JSON.parse(readFileSync(join(state, 'people.json'), 'utf8')) as {
      certificates: { serial: string }[];
    }[];
    const [ocsp, provider] = await Promise.all([
      serve('--service', 'ocsp'),
      serve('--service', 'serviceProvider'),
    ]);

    const parts = openCentreParts({ folder: state });
    const device = createAppliance(parts);
    const base = provider.urls.serviceProvider!;
    expect((await device.prove(base)).status).toBe(204);
    await run('admin', '--folder', state, 'revoke-device', '--sam', device.samId);
    expect((await device.send('GET', `${base}/v1/roster`)).status).toBe(403);
    device.close();

    const issuer = parts.pki.jpkiAuthentication.g2.certificateFile;
    const serial = `0x${people[9]?.certificates[0]?.serial}`;
    const { text } = await openssl(
      'ocsp',
      '-url',
      ocsp.urls.ocsp!,
      '-issuer',
      issuer,
      '-serial',
      serial,
      '-CAfile',
      issuer,
    );
    expect(text).toContain('Reason: cessationOfOperation');
    parts.close();

    for (const { child } of [ocsp, provider]) {
      child.kill('SIGTERM');
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(0);
    }
  });

  test('all services in one process', async () => {
    const { child, urls } = await serve();
    expect(Object.keys(urls)).toHaveLength(7);
    expect((await fetch(`${urls.crl}/nothing`)).status).toBe(404);
    child.kill('SIGINT');
    expect(((await once(child, 'exit')) as [number])[0]).toBe(0);
  });

  test('administration from the command line', async () => {
    const parts = openCentreParts({ folder: state });
    const publicKey = createPublicKey(generatePrivateKey('p-256'));
    const [deviceFile, operatorFile] = [join(folder, 'device.pem'), join(folder, 'operator.pem')];
    writeFileSync(deviceFile, encodePem(issueSamDevice(parts.pki, { samId: '5341000000000042', publicKey })));
    const operatorKey = createPublicKey(sharedRsaKey('operator'));
    const operator = issueHpkiAuthentication(parts.pki, {
      publicKey: operatorKey,
      commonName: 'Mihon',
      roles: [],
    });
    writeFileSync(operatorFile, encodePem(operator));
    const admin = async (...args: string[]): Promise<Record<string, string>> =>
      JSON.parse((await run('admin', '--folder', state, ...args)).stdout) as Record<string, string>;
    const institution = ['--institution', '1312345678'];
    const limits = ['--network', 'ab'.repeat(16), '--max-uses', '9', '--max-ticks', '0'];
    expect(await admin('register-device', '--certificate', deviceFile, ...institution, ...limits)).toEqual({
      samId: '5341000000000042',
    });
    expect(parts.registry.findDevice('5341000000000042')).toMatchObject({
      maxUses: 9,
      networkIds: ['ab'.repeat(16)],
    });
    const card = [
      '--card-kind',
      'hpki',
      '--role',
      'doctor',
      '--role',
      'administrator',
      '--name',
      '見本 花子',
    ];
    const { keyId } = await admin('add-operator', '--certificate', operatorFile, ...institution, ...card);
    await admin('suspend-operator', ...institution, '--key', keyId!);
    expect(parts.registry.roster('1312345678').operators[0]).toMatchObject({
      suspended: true,
      roles: ['doctor', 'administrator'],
    });
    const { order } = await admin(
      'disable-order',
      '--sam',
      '5341000000000042',
      '--challenge',
      '11'.repeat(32),
    );
    expect(order).toMatch(/^e22c80085341000000000042/);
    await expect(admin('revoke-device', '--sam', '0'.repeat(16))).rejects.toMatchObject({
      code: 1,
      stderr: 'no such device\n',
    });
    await expect(
      admin('add-operator', '--certificate', join(folder, 'missing.pem'), ...institution, ...card),
    ).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('missing.pem') });
    parts.close();
  });

  test('--help says in Japanese and English how it is written, and so do wrong words', async () => {
    const { stdout } = await run('admin', '--help');
    expect(stdout).toContain('revoke-device      装置を失効');
    expect(stdout).toContain('no service answers it any more');
    await expect(run('admin', '--folder', state, 'dance')).rejects.toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^コマンドの書き方が違います \/ wrong words: [\s\S]*\n終了コード: /),
    });
  });

  test('a port that is taken is told', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    const words = ['serve', '--folder', state, '--service', 'ocsp', '--port', `ocsp=${port}`];
    try {
      await expect(run(...words)).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/config\.address-unusable.*EADDRINUSE/),
      });
    } finally {
      other.close();
    }
  });
});

describe('command line', () => {
  test.each([
    [[]],
    [['dance']],
    [['serve']],
    [['serve', '--folder', 'x', '--service', 'everything']],
    [['serve', '--folder', 'x', '--port', 'ocsp=x']],
    [['serve', '--folder', 'x', '--port', 'oscp=1']],
    [['serve', '--folder', 'x', '--colour', 'red']],
    [['init']],
    [['admin', '--folder', 'x', 'revoke-device', '--sam', 'zz']],
    [['admin', '--folder', 'x', 'revoke-device', '--sam', '0'.repeat(16), '--name', 'y']],
    [['admin', 'revoke-device', '--sam', '0'.repeat(16)]],
  ])('%j is refused', (args) => {
    expect(() => parseCommand(args)).toThrow(UsageError);
  });

  test('a config file is strict, and flags win over it', () => {
    const file = join(folder, 'centre.json');
    writeFileSync(file, JSON.stringify({ folder: state, host: '::1', ports: { ocsp: 7001 } }));
    expect(parseCommand(['serve', '--config', file, '--host', '127.0.0.1', '--service', 'ocsp'])).toEqual({
      verb: 'serve',
      config: { folder: state, service: 'ocsp', host: '127.0.0.1', ports: { ocsp: 7001 } },
    });
    writeFileSync(file, JSON.stringify({ folder: state, prots: {} }));
    expect(() => parseCommand(['serve', '--config', file])).toThrow(/prots/);
    expect(existsSync(program)).toBe(true);
  });
});
