/** The appliance under a real notification socket: ready, fed while it is well, starved when its store is taken away. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { installAppliance } from './appliance-config.ts';
import { type Surroundings, startSurroundings } from './clinic.ts';
import { databaseFile } from './state-folder.ts';
import { ApplianceProcess, buildPrograms } from './testing/appliance-process.ts';
import { simulatedDrivers } from './testing/simulated-drivers.ts';

/** Node has no datagram sockets of the local kind; systemd's own side of sd_notify(3) is fifteen lines of Python. */
const LISTENER = `
import socket, sys
listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
listener.bind(sys.argv[1])
print('listening', flush=True)
while True:
    print(listener.recv(4096).decode().replace('\\n', ' ').strip(), flush=True)
`;
const WATCHDOG_MS = 900;
const PATIENCE = { timeout: 30_000 };

const folder = mkdtempSync(join(tmpdir(), 'sekisho-watchdog-'));
const said: string[] = [];
let listener: ChildProcess;
let surroundings: Surroundings;
let appliance: ApplianceProcess;

const count = (word: string): number => said.filter((each) => each === word).length;

beforeAll(async () => {
  buildPrograms();
  const socket = join(folder, 'notify');
  listener = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (listener.stdout === null) throw new Error('no output');
  createInterface({ input: listener.stdout }).on('line', (line) => said.push(line));
  await vi.waitFor(() => expect(said).toEqual(['listening']), PATIENCE);
  surroundings = await startSurroundings({ stateFolder: folder, reader: 'inprocess', timing: 'zero' });
  const { configFile } = installAppliance({
    stateFolder: folder,
    centre: surroundings.centre,
    anchor: surroundings.anchor,
    port: 0,
    ...simulatedDrivers(surroundings, folder, 'mihon-taro'),
  });
  appliance = await ApplianceProcess.start(configFile, {
    NOTIFY_SOCKET: socket,
    WATCHDOG_USEC: String(WATCHDOG_MS * 1_000),
  });
});
afterAll(async () => {
  await appliance.kill();
  await surroundings.close();
  if (listener.exitCode === null) {
    const gone = once(listener, 'exit');
    listener.kill();
    await gone;
  }
  rmSync(folder, { recursive: true });
});

it('says that it is ready, and that it lives', async () => {
  await vi.waitFor(() => expect(count('WATCHDOG=1')).toBeGreaterThan(3), PATIENCE);
  expect(count('READY=1')).toBe(1);
});

it('is not fed while somebody holds its database, and again afterwards', async () => {
  const thief = new Database(databaseFile(folder));
  thief.exec('BEGIN IMMEDIATE');
  // One beat may be under way; the next ones find the lock taken and say nothing.
  await new Promise((resolve) => setTimeout(resolve, WATCHDOG_MS));
  const before = count('WATCHDOG=1');
  await new Promise((resolve) => setTimeout(resolve, 3 * WATCHDOG_MS));
  expect(count('WATCHDOG=1')).toBe(before);
  thief.exec('ROLLBACK');
  thief.close();
  await vi.waitFor(() => expect(count('WATCHDOG=1')).toBeGreaterThan(before), PATIENCE);
});

it('says that it stops when it is told to', async () => {
  await appliance.terminate();
  await vi.waitFor(() => expect(count('STOPPING=1')).toBe(1), PATIENCE);
});
