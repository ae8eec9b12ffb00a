import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodePem } from '#centre/pki/key-folder.ts';
import { issueTlsClient } from '#centre/pki/role-certificate.ts';
import { type Centre, startCentre } from '#centre/region.ts';
import { sharedRsaKey } from '#centre/testing/rsa-keys.ts';
import { createAppliance, INSTITUTION } from '#centre/testing/scripted-appliance.ts';
import { makeQuestion, openAsker } from './testing/question.ts';

/** The one file that a PC of the clinic gets, alone in a folder where nothing else of ours is. */
const BUNDLE = fileURLToPath(new URL('../build/anchor/sekisho-anchor.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'sekisho-anchor-program-'));
const program = join(folder, 'sekisho-anchor.mjs');
const state = join(folder, 'state');
const children: ChildProcess[] = [];
let centre: Centre;

beforeAll(async () => {
  execFileSync(process.execPath, [fileURLToPath(new URL('../tools/build.mjs', import.meta.url))]);
  copyFileSync(BUNDLE, program);
  centre = await startCentre({ folder: join(folder, 'centre'), rsaKey: sharedRsaKey });
});
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL');
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

const run = async (...words: string[]): Promise<string> =>
  (await promisify(execFile)(process.execPath, [program, ...words, '--folder', state])).stdout;

async function start(...words: string[]): Promise<{ port: number; networkId: string; child: ChildProcess }> {
  const child = spawn(
    process.execPath,
    [program, 'start', '--folder', state, '--host', '127.0.0.1', '--port', '0', ...words],
    { stdio: ['ignore', 'inherit', 'pipe'] },
  );
  children.push(child);
  for await (const line of createInterface({ input: child.stderr! })) {
    const { event, port, networkId } = JSON.parse(line);
    if (event === 'started') return { port, networkId, child };
  }
  throw new Error('the anchor ended before it started');
}

const stop = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    child.once('exit', resolve);
    child.kill('SIGTERM');
  });

test('the bundled program: shows its key, registers a device, and openssl believes its answers', async () => {
  const shown = JSON.parse(await run('show', '--json', '--host', '192.0.2.7'));
  expect(statSync(join(state, 'anchor-key.pem')).mode & 0o777).toBe(0o600);
  expect(shown.qr).toMatch(/^sekisho-anchor:1\?key=[\w-]{59}&host=192\.0\.2\.7&port=26460$/);
  const { port, networkId, child } = await start();
  expect(networkId).toBe(shown.networkId);
  expect(shown.fingerprint.replaceAll(' ', '').startsWith(networkId)).toBe(true);
  const deviceId = '5345534841303031';
  const question = (): Buffer => makeQuestion({ deviceId, networkId, nonce: randomBytes(32) });
  const asker = await openAsker(port);
  try {
    expect((await asker.ask(question()))?.readUInt8(96)).toBe(1);
    await run('register', deviceId);
    const verdict = async (): Promise<number | undefined> => (await asker.ask(question()))?.readUInt8(96);
    await expect.poll(verdict, { interval: 100 }).toBe(0);
    const answer = (await asker.ask(question()))!;
    writeFileSync(join(folder, 'key.pem'), shown.publicKeyPem);
    writeFileSync(join(folder, 'signed'), answer.subarray(0, 112));
    writeFileSync(join(folder, 'signature'), answer.subarray(112));
    const words = ['-verify', '-pubin', '-inkey', join(folder, 'key.pem'), '-rawin'];
    const judged = execFileSync('openssl', [
      'pkeyutl',
      ...words,
      ...['-in', join(folder, 'signed'), '-sigfile', join(folder, 'signature')],
    ]);
    expect(judged.toString()).toContain('Signature Verified Successfully');
    await run('revoke', deviceId);
    await expect.poll(verdict, { interval: 100 }).toBe(2);
    expect(await asker.ask(randomBytes(192), 100)).toBeUndefined();
  } finally {
    asker.close();
    expect(await stop(child)).toBe(0);
  }
});

test('answers come at once', async () => {
  const { port, networkId, child } = await start();
  const asker = await openAsker(port);
  const timesMs: number[] = [];
  try {
    for (let count = 0; count < 100; count++) {
      // Within the rate of one address.
      await new Promise((resolve) => setTimeout(resolve, 55));
      const question = makeQuestion({ deviceId: '00'.repeat(8), networkId, nonce: randomBytes(32) });
      const askedAtMs = performance.now();
      expect(await asker.ask(question)).toHaveLength(176);
      timesMs.push(performance.now() - askedAtMs);
    }
  } finally {
    asker.close();
    await stop(child);
  }
  timesMs.sort((a, b) => a - b);
  process.stdout.write(
    `anchor answers: p50 ${timesMs[50]!.toFixed(2)} ms, p99 ${timesMs[98]!.toFixed(2)} ms of 100\n`,
  );
});

test('follows the list of the service provider, and keeps it when the provider is silent', async () => {
  const device = createAppliance(centre, { samId: '5341000000000055' });
  device.close();
  const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  writeFileSync(join(folder, 'tls.key'), key.export({ type: 'pkcs8', format: 'pem' }));
  const tlsCertificate = issueTlsClient(centre.pki, {
    institutionCode: INSTITUTION,
    publicKey: createPublicKey(key),
  });
  writeFileSync(join(folder, 'tls.pem'), encodePem(tlsCertificate));
  await run('register', device.samId);
  centre.administration.revokeDevice(device.samId);
  const provider = [
    ...['--sp-url', centre.urls.serviceProvider, '--sp-ca', centre.trustFiles.centreTls],
    ...['--sp-key', join(folder, 'tls.key'), '--sp-certificate', join(folder, 'tls.pem')],
  ];
  const verdictOf = async (...words: string[]): Promise<() => Promise<number | undefined>> => {
    const { port, networkId } = await start(...words);
    const asker = await openAsker(port);
    return async () => {
      const nonce = randomBytes(32);
      return (await asker.ask(makeQuestion({ deviceId: device.samId, networkId, nonce })))?.readUInt8(96);
    };
  };
  await expect.poll(await verdictOf(...provider), { interval: 100 }).toBe(2);
  await expect(run('register', device.samId)).rejects.toThrow('service provider');
  // A restart without a line to the provider: the list is on the disk.
  expect(await (await verdictOf())()).toBe(2);
  expect(readFileSync(join(state, 'revoked-by-provider.json'), 'utf8')).toContain(device.samId);
});

test('wrong commands end with 2 and say how', async () => {
  for (const words of [[], ['stop'], ['register'], ['start', '--port', '70000'], ['show', '--colour']]) {
    await expect(run(...words)).rejects.toMatchObject({ code: 2 });
  }
});

test('whoever looks into the wrong folder is told that the key there is new', async () => {
  const other = join(folder, 'other');
  const words = [program, 'show', '--folder', other];
  const first = await promisify(execFile)(process.execPath, words);
  expect(first.stderr).toContain(`新しい鍵を ${other} に作りました`);
  const again = await promisify(execFile)(process.execPath, words);
  expect(again).toEqual({ stdout: first.stdout, stderr: '' });
});

test.each([['start'], ['show'], ['register', '5345534841303031']])(
  'a folder that cannot be made ends %s at once, with its name and the next step',
  async (...words) => {
    // /proc is there, and says it is not when something is made in it. A program that hangs is killed: it has no code.
    const command = [program, ...words, '--folder', '/proc/sekisho/anchor'];
    await expect(promisify(execFile)(process.execPath, command, { timeout: 60_000 })).rejects.toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(
        /^できませんでした .*\nフォルダー \/proc\/sekisho\/anchor が使えません。.*--folder .*\n.*cannot be used/,
      ),
    });
  },
);

test('an address that cannot be used, and a device that is none, are told with what to correct', async () => {
  await expect(run('start', '--host', '192.0.2.1')).rejects.toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^できませんでした .*EADDRNOTAVAIL.*\n--host と --port を確かめて/),
  });
  await expect(run('register', 'zz')).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^コマンドの書き方が違います .*DEVICE zz: 16 hex digits/),
  });
});
