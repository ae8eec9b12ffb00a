/** How the two programs of an appliance end when they cannot begin: at once, with the code that systemd acts on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { installAppliance } from './appliance-config.ts';
import { startSurroundings } from './clinic.ts';
import { buildPrograms, ROOT } from './testing/appliance-process.ts';
import { simulatedDrivers } from './testing/simulated-drivers.ts';

const PROGRAMS = ['appliance/main', 'appliance/broker/main'];
/** @see sysexits.h, and RestartPreventExitStatus of the units */
const EX_CONFIG = 78;
/** A program that neither runs nor ends is killed: its code is none. */
const LONGEST_MS = 40_000;

const folder = mkdtempSync(join(tmpdir(), 'sekisho-program-'));
beforeAll(buildPrograms);
afterAll(() => rmSync(folder, { recursive: true }));

async function run(program: string, ...words: string[]): Promise<{ code: number | null; told: string }> {
  const child = spawn(process.execPath, ['--conditions=built', `build/${program}.js`, ...words], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: LONGEST_MS,
    killSignal: 'SIGKILL',
  });
  let told = '';
  child.stderr.on('data', (text: Buffer) => {
    told += text.toString();
  });
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, told };
}

describe.each(PROGRAMS)('%s', (program) => {
  test('without a configuration says how it is called', async () => {
    expect(await run(program)).toEqual({ code: EX_CONFIG, told: 'usage: main CONFIG\n' });
  });

  test('with a wrong one lists everything that is wrong', async () => {
    const file = join(folder, 'wrong.json');
    writeFileSync(file, JSON.stringify({ profile: 'production', colour: 'red', log: { level: 'loud' } }));
    const { code, told } = await run(program, file);
    expect(code).toBe(EX_CONFIG);
    const [japanese, english] = told.split('\n');
    expect(japanese).toBe('設定に誤りがあります。示された設定項目をすべて直してください。');
    expect(english).toContain('[config.invalid]');
    expect(told).toMatch(/^ {2}colour: unknown setting$/m);
    expect(told).toMatch(/^ {2}log\.level: /m);
  });
});

test('a gateway whose port is taken ends, and leaves it to systemd to try again', async () => {
  const surroundings = await startSurroundings({
    stateFolder: folder,
    reader: 'inprocess',
    timing: 'zero',
  });
  const other = createServer().listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { configFile } = installAppliance({
    stateFolder: folder,
    centre: surroundings.centre,
    anchor: surroundings.anchor,
    port: (other.address() as AddressInfo).port,
    ...simulatedDrivers(surroundings, folder, 'mihon-taro'),
  });
  const { code, told } = await run('appliance/main', configFile);
  expect(code).toBe(1);
  expect(told).toContain('[config.address-unusable]');
  expect(told).toMatch(/^ {2}listen\.port: listen EADDRINUSE: .*127\.0\.0\.1:\d+$/m);
  other.close();
  await surroundings.close();
});
