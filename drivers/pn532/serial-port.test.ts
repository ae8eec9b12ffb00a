import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import type { ErrorCode } from '#contract/errors.ts';
import { openPty } from '#drivers/simulated/index.ts';
import { serialPortLine, toOpenError } from './serial-port.ts';

const deaf = { onBytes: () => {}, onLost: () => {} };

describe('a serial device', () => {
  it('that does not exist is missing', async () => {
    await expect(serialPortLine('/dev/sekisho-none')(115_200, deaf)).rejects.toMatchObject({
      code: 'reader.device-missing',
    });
  });

  it('that is no serial device counts as missing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-pn532-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, 'file');
    writeFileSync(file, '');
    for (const path of [folder, file]) {
      await expect(serialPortLine(path)(115_200, deaf)).rejects.toMatchObject({
        code: 'reader.device-missing',
      });
    }
  });

  it('that is held already is busy, and free again after a close', async () => {
    const pty = await openPty();
    onTestFinished(() => pty.close());
    const open = serialPortLine(pty.path);
    const first = await open(115_200, deaf);
    await expect(open(115_200, deaf)).rejects.toMatchObject({ code: 'reader.device-busy' });
    await first.close();
    await first.close();
    await (await open(115_200, deaf)).close();
  });

  // A hang-up between two polls makes the library read "nothing" again and again, and tell nobody; a write tells.
  it('that goes away is told with the next bytes at the latest, and sending to it is harmless', async () => {
    const pty = await openPty();
    let tell = (_cause: unknown): void => {};
    const lost = new Promise<unknown>((resolve) => {
      tell = resolve;
    });
    const line = await serialPortLine(pty.path)(115_200, { ...deaf, onLost: (cause) => tell(cause) });
    await pty.close();
    line.send(Uint8Array.of(0x55));
    await lost;
    line.send(Uint8Array.of(0x55));
    await line.close();
  });

  // Texts of strerror(3) as the binding puts them; permissions do not bind root, who may run this.
  test.each<[string, ErrorCode]>([
    ['Error: Permission denied, cannot open /dev/ttyS0', 'reader.device-forbidden'],
    ['Error: Operation not permitted, cannot open /dev/ttyS0', 'reader.device-forbidden'],
    ['Error: Device or resource busy, cannot open /dev/ttyS0', 'reader.device-busy'],
    ['Error: No such device or address, cannot open /dev/ttyUSB0', 'reader.device-missing'],
    ['Error: something new', 'reader.unreachable'],
  ])('%s', (text, code) => {
    expect(toOpenError(new Error(text))).toMatchObject({ code });
  });
});
