/** The built broker as a process, and how processes of a test are heard and ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BrokerConfigFile } from '#config/broker-schema.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** Resolves when it listens. The configuration goes to `folder`, and relative paths in it begin there. */
export async function startBrokerProgram(
  folder: string,
  config: BrokerConfigFile,
  variables: Readonly<Record<string, string>> = {},
): Promise<ChildProcess> {
  const configFile = join(folder, 'broker.json');
  writeFileSync(configFile, JSON.stringify(config));
  const program = ['--conditions=built', 'build/appliance/broker/main.js', configFile];
  const broker = spawn('/usr/bin/setpriv', ['--pdeathsig=SIGKILL', process.execPath, ...program], {
    cwd: ROOT,
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await untilSaid(broker, '"broker.ready"');
  return broker;
}

/** Resolves when the child writes a line with `word`. */
export async function untilSaid({ stdout }: ChildProcess, word: string): Promise<void> {
  if (stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: stdout })) {
    if (!line.includes(word)) continue;
    // A pipe that nobody reads would stop the program as soon as it is full.
    stdout.resume();
    return;
  }
  throw new Error(`ended without ${word}`);
}

export async function endProcess(
  child: ChildProcess | undefined,
  signal: NodeJS.Signals,
): Promise<number | null> {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null)
    return child?.exitCode ?? null;
  const gone = once(child, 'exit');
  child.kill(signal);
  await gone;
  return child.exitCode;
}
