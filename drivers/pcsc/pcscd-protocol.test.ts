import { spawn } from 'node:child_process';
import { getEventListeners, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readPcscdReaders } from './pcscd-protocol.ts';

let folder: string;
let socketPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-pcscd-protocol-'));
  socketPath = join(folder, 'pcscd.comm');
});
afterEach(() => rmSync(folder, { recursive: true }));

/** As pcscd is between bind and listen. */
async function bindWithoutListening(): Promise<() => Promise<void>> {
  const script =
    'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, pack_sockaddr_un(shift)); $|=1; print 1; sleep';
  const child = spawn('/usr/bin/perl', ['-e', script, socketPath], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  return async () => {
    const exited = once(child, 'exit');
    child.kill();
    await exited;
  };
}

test('a daemon that refuses for long leaves nothing behind at the signal of whoever asks', async () => {
  const release = await bindWithoutListening();
  const { signal } = new AbortController();
  try {
    for (let round = 0; round < 20; round += 1) {
      await expect(readPcscdReaders(socketPath, signal)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    }
  } finally {
    await release();
  }
});

test('a daemon that never answers is left when whoever asks gives up, for the reason given', async () => {
  const server = createServer((socket) => socket.on('error', () => {})).listen(socketPath);
  await once(server, 'listening');
  const asker = new AbortController();
  const accepted = once(server, 'connection');
  const asked = readPcscdReaders(socketPath, asker.signal);
  const outcome = expect(asked).rejects.toThrow('enough');
  await accepted;
  asker.abort(new Error('enough'));
  await outcome;
  await expect(readPcscdReaders(socketPath, asker.signal)).rejects.toThrow('enough');
  server.close();
  await once(server, 'close');
});
