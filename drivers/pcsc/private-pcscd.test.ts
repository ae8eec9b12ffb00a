import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type PrivatePcscd, startPrivatePcscd } from './private-pcscd.ts';

const run = promisify(execFile);

/** OpenSC is the foreign client: it lists what it finds behind PCSCLITE_CSOCK_NAME. */
async function listWithOpensc(socketPath: string): Promise<string> {
  const { stdout } = await run('opensc-tool', ['-l'], {
    env: { ...process.env, PCSCLITE_CSOCK_NAME: socketPath },
  });
  return stdout;
}

describe('a private pcscd', () => {
  let folder: string;
  let pcscd: PrivatePcscd;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sekisho-pcscd-'));
    pcscd = await startPrivatePcscd({ folder });
  });
  afterEach(async () => {
    await pcscd.stop();
    await rm(folder, { recursive: true });
  });

  it('shows its slots to a foreign PC/SC client under names that tell PICC from SAM', async () => {
    const listed = await listWithOpensc(pcscd.socketPath);
    expect(pcscd.readerNames).toEqual(['Sekisho Virtual PICC 00 00', 'Sekisho Virtual SAM 00 00']);
    for (const name of pcscd.readerNames) expect(listed).toContain(name);
    expect(new Set(pcscd.vpcdPorts).size).toBe(2);
  });

  it('comes back at the same socket after a crash', async () => {
    await pcscd.kill();
    await expect(listWithOpensc(pcscd.socketPath)).resolves.toContain('No smart card readers found');
    await pcscd.restart();
    await expect(listWithOpensc(pcscd.socketPath)).resolves.toContain('Sekisho Virtual PICC 00 00');
  });

  it('can come back without a reader, as when it is unplugged', async () => {
    await pcscd.restart(['SAM']);
    const listed = await listWithOpensc(pcscd.socketPath);
    expect(listed).not.toContain('PICC');
    expect(listed).toContain('Sekisho Virtual SAM');
  });

  it('leaves no file behind', async () => {
    await pcscd.stop();
    expect(await readdir(folder)).toEqual([]);
  });
});
