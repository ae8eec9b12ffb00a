import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ScriptedVpcdCard } from '#drivers/pcsc/testing/scripted-vpcd-card.ts';
import { VpcdFixture } from '#drivers/pcsc/testing/vpcd-fixture.ts';
import { describeCardReader, SELECT_JPKI } from '#drivers/reader-contract.ts';
import { SamSlotReader, type SamSlotReaderOptions } from './reader.ts';

let fixture: VpcdFixture;
beforeAll(async () => {
  fixture = await VpcdFixture.start();
});
afterAll(() => fixture.stop());

const SAM = 1;
const patience = (): AbortSignal => new AbortController().signal;
const makeReader = (options: Partial<SamSlotReaderOptions> = {}): SamSlotReader =>
  new SamSlotReader({ slot: 'SAM', socketPath: fixture.pcscd.socketPath, ...options });

describeCardReader('SAM slot', async () => fixture.makeReaderUnderTest(SAM, makeReader()), {
  removed: 'sam.absent',
  unanswered: 'sam.timeout',
  commandTooLong: 'sam.failed',
  busy: 'sam.failed',
});

describe('a SAM slot', () => {
  it('says that the SAM is absent instead of waiting for ever', async () => {
    const reader = makeReader({ presenceTimeoutMs: 50 });
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'sam.absent' });
    await reader.close();
  });

  it('says that the SAM is absent when there is no such slot', async () => {
    const reader = makeReader({ slot: /no such reader/, recoveryTimeoutMs: 50 });
    await expect(reader.waitForCard(patience())).rejects.toMatchObject({ code: 'sam.absent' });
    await reader.close();
  });

  it('unpowers the SAM on close', async () => {
    const sam = new ScriptedVpcdCard(() => Buffer.from('9000', 'hex'));
    await sam.insert(fixture.portOf(SAM));
    const reader = makeReader();
    const channel = await reader.waitForCard(patience());
    const offs = sam.powerEvents.filter((event) => event === 'power-off').length;
    await channel.close();
    await sam.sawPowerEvent('power-off', offs);
    await reader.close();
    await fixture.takeOut(SAM, () => sam.remove());
  });

  it('ends the process that held the SAM with its power, and holds the next one in a fresh one', async () => {
    const sam = new ScriptedVpcdCard(() => Buffer.from('9000', 'hex'));
    await sam.insert(fixture.portOf(SAM));
    const before = hostsOf(process.pid);
    const reader = makeReader();
    const newHosts = (): number[] => hostsOf(process.pid).filter((pid) => !before.includes(pid));
    const channel = await reader.waitForCard(patience());
    const [first] = newHosts();
    await channel.close();
    expect(newHosts()).toEqual([]);
    await reader.waitForCard(patience());
    expect(newHosts()).toHaveLength(1);
    expect(newHosts()).not.toContain(first);
    await reader.close();
    await fixture.takeOut(SAM, () => sam.remove());
  });

  /**
   * A killed process cannot leave the SAM unlocked. @see docs/architecture.md, invariant 2
   *
   * The kernel kills the host with its parent, and pcscd resets what it held exclusively; or the host sees its parent
   * go first and takes the power off. Measured over 80 kills: 5 ms, 12.5 ms at most. Were the SAM shared, pcscd would
   * not reset it, and only take the power off after 770 ms.
   */
  it('cuts the SAM off when the process that holds it is killed with -9', async () => {
    const { sam, holder, dispose } = await holdSam();
    const event = await firstEventAfter(sam, () => holder.kill('SIGKILL'));
    expect(['reset', 'power-off']).toContain(event);
    await dispose();
  });

  it('needs no code of ours for that: a frozen host is reset all the same', async () => {
    const { sam, holder, dispose } = await holdSam();
    const children = await readFile(`/proc/${holder.pid}/task/${holder.pid}/children`, 'utf8');
    const hosts = children.trim().split(' ').map(Number);
    expect(hosts).toHaveLength(1);
    process.kill(hosts[0]!, 'SIGSTOP');
    expect(await firstEventAfter(sam, () => holder.kill('SIGKILL'))).toBe('reset');
    await dispose();
  });
});

/** Processes of the PC/SC binding that `pid` has started. */
function hostsOf(pid: number): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('pcsc-host'));
}

/** A SAM in the slot, and a process of its own that holds it through our driver. */
async function holdSam() {
  const sam = new ScriptedVpcdCard(() => Buffer.from('9000', 'hex'));
  await sam.insert(fixture.portOf(SAM));
  const folder = await mkdtemp(join(tmpdir(), 'sekisho-holder-'));
  // Not to outlive a test run that is itself killed.
  const command = [
    '--pdeathsig=SIGKILL',
    process.execPath,
    await bundleHolder(folder),
    fixture.pcscd.socketPath,
  ];
  const holder = spawn('/usr/bin/setpriv', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(holder.stdout, 'data');
  expect(sam.commands.at(-1)?.equals(Buffer.from(SELECT_JPKI))).toBe(true);
  const dispose = async (): Promise<void> => {
    await fixture.takeOut(SAM, () => sam.remove());
    await rm(folder, { recursive: true });
  };
  return { sam, holder, dispose };
}

function firstEventAfter(sam: ScriptedVpcdCard, act: () => void) {
  const seen = sam.powerEvents.length;
  act();
  return sam.nextPowerEvent(seen);
}

/** A program with our real driver in it; Node 20 cannot run TypeScript, so esbuild makes it one file. */
async function bundleHolder(folder: string): Promise<string> {
  const outfile = join(folder, 'holder.mjs');
  await build({
    stdin: {
      contents: `
        import { SamSlotReader } from './reader.ts';
        const reader = new SamSlotReader({ slot: 'SAM', socketPath: process.argv[2] });
        const sam = await reader.waitForCard(new AbortController().signal);
        await sam.transmit(Buffer.from('${Buffer.from(SELECT_JPKI).toString('hex')}', 'hex'));
        process.stdout.write('holding');
      `,
      resolveDir: import.meta.dirname,
    },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'error',
  });
  for (const name of ['pcsc-host.mjs', 'host-line.mjs'])
    await copyFile(join(import.meta.dirname, '../pcsc', name), join(folder, name));
  await symlink(join(import.meta.dirname, '../../node_modules'), join(folder, 'node_modules'));
  return outfile;
}
