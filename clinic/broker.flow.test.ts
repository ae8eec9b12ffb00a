/** A whole clinic whose SAM is held by the broker in a process of its own, behind a real pcscd. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BrokerConfigFile } from '#config/broker-schema.ts';
import type { Surroundings } from './clinic.ts';
import { makeVisit } from './tap-run.ts';
import { buildPrograms } from './testing/appliance-process.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
let folder: string;
let broker: ChildProcess;
let trial: TrialClinic;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-broker-'));
  buildPrograms();
});
afterEach(async () => {
  await trial.close();
  await end();
  rmSync(folder, { recursive: true });
});

async function startBroker({ centre, anchor, readers }: Surroundings): Promise<void> {
  const spKey = centre.pki.serviceProviderPublicKey.export({ type: 'spki', format: 'pem' });
  writeFileSync(join(folder, 'sp.pem'), spKey);
  writeFileSync(join(folder, 'anchor.pem'), anchor.identity.publicKeyPem);
  const { sam } = readers.config;
  if (sam.driver !== 'pcsc') throw new Error('the SAM is not in a slot');
  const config: BrokerConfigFile = {
    profile: 'development',
    slot: sam,
    socketPath: 'broker.sock',
    stateFolder: 'state',
    serviceProviderKeyPath: 'sp.pem',
    anchorKeyPath: 'anchor.pem',
  };
  writeFileSync(join(folder, 'broker.json'), JSON.stringify(config));
  const program = ['--conditions=built', 'build/appliance/broker/main.js', join(folder, 'broker.json')];
  broker = spawn('/usr/bin/setpriv', ['--pdeathsig=SIGKILL', process.execPath, ...program], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (broker.stdout === null) throw new Error('no output to read');
  for await (const line of createInterface({ input: broker.stdout }))
    if (line.includes('broker.ready')) return;
  throw new Error('the broker ended');
}

async function end(): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  const gone = once(broker, 'exit');
  broker.kill('SIGKILL');
  await gone;
}

async function visit(): Promise<void> {
  await trial.place('mihon-taro');
  expect(await makeVisit(trial.clinic, trial.client)).toMatchObject({ outcome: 'accepted' });
}

test('taps go on as in process; a broker that is killed ends the session, and a new one serves again', async () => {
  let world: Surroundings | undefined;
  trial = await TrialClinic.open({
    reader: 'pcsc',
    brokerSocket: join(folder, 'broker.sock'),
    beforeStart: (surroundings) => {
      world = surroundings;
      return startBroker(surroundings);
    },
  });
  const facts = async () => (await trial.client.snapshot()).facts;
  expect(await facts()).toMatchObject({ sam: 'unlocked', network: 'registered' });
  await visit();

  await end();
  await expect.poll(async () => (await facts()).operator).toBeUndefined();
  expect((await facts()).sam).not.toBe('unlocked');
  if (world !== undefined) await startBroker(world);
  await expect.poll(async () => (await facts()).sam).not.toBe('absent');
  await trial.signIn();
  await visit();
  expect((await trial.verifyEvidence()).ok).toBe(true);
}, 120_000);
