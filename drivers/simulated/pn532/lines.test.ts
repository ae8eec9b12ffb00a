/** The pty as a host of this machine sees it: through the usual serial port calls. */
import { once } from 'node:events';
import { existsSync, mkdtempSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Duplex } from 'node:stream';
import { SerialPort } from 'serialport';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { EmulatedPn532 } from './emulator.ts';
import { connectLine, lineOfStream, openPty, type PtyLine } from './lines.ts';
import { frameOf, HOST_ACK, WAKE_UP } from './testing/scripted-host.ts';

const folder = mkdtempSync(join(tmpdir(), 'sekisho-pty-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const VERSION = /^0000FF00FF000000FF06FAD50332010607E800$/;
const QUIET_MS = 60;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The line looks at the rate of its host every few milliseconds, and on a busy machine less often. */
async function noticed(line: PtyLine, baudRate: number): Promise<void> {
  while (line.hostBaud !== baudRate) await pause(5);
}

class SerialHost {
  readonly port: SerialPort;
  readonly #line: PtyLine;
  #received: Uint8Array = new Uint8Array();

  constructor(line: PtyLine, baudRate: number) {
    this.#line = line;
    this.port = new SerialPort({ path: line.path, baudRate, autoOpen: false });
    this.port.on('data', (chunk: Buffer) => {
      this.#received = concat(this.#received, chunk);
    });
  }

  open(): Promise<void> {
    return new Promise((resolve, reject) => this.port.open((error) => (error ? reject(error) : resolve())));
  }

  async setRate(baudRate: number): Promise<void> {
    await new Promise<void>((resolve, reject) =>
      this.port.update({ baudRate }, (error) => (error ? reject(error) : resolve())),
    );
    await noticed(this.#line, baudRate);
  }

  /** What came, once it fits, or after `patienceMs`. */
  async ask(bytes: Uint8Array, wanted: RegExp, patienceMs = 30_000): Promise<string> {
    this.#received = new Uint8Array();
    this.port.write(bytes);
    const endMs = performance.now() + patienceMs;
    while (!wanted.test(toHex(this.#received)) && performance.now() < endMs) await pause(2);
    return toHex(this.#received);
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.port.close(() => resolve()));
  }
}

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function chipOnPty(path?: string): Promise<{ chip: EmulatedPn532; line: PtyLine }> {
  const line = await openPty(path);
  open.push(() => line.close());
  const chip = new EmulatedPn532();
  chip.attach(line);
  return { chip, line };
}

async function host(line: PtyLine, baudRate: number): Promise<SerialHost> {
  const made = new SerialHost(line, baudRate);
  await made.open();
  open.push(() => made.close());
  await noticed(line, baudRate);
  return made;
}

describe('a pty', () => {
  it('carries the rate that the host sets: the fastest too, and a host that knows it not hears nothing', async () => {
    const { chip, line } = await chipOnPty();
    const first = await host(line, 115_200);
    await first.ask(concat(WAKE_UP, frameOf('1401')), /D515..00$/);
    expect(await first.ask(frameOf('02'), VERSION)).toMatch(VERSION);
    await first.ask(frameOf('1008'), /D511..00$/);
    await first.ask(HOST_ACK, /./, QUIET_MS);
    await expect.poll(() => chip.baud).toBe(1_288_000);
    expect(await first.ask(frameOf('02'), VERSION, QUIET_MS)).not.toMatch(VERSION);
    await first.setRate(1_288_000);
    await first.ask(HOST_ACK, /./, QUIET_MS);
    expect(await first.ask(frameOf('02'), VERSION)).toMatch(VERSION);

    // The host crashed: its next life starts at 115,200.
    await first.close();
    const second = await host(line, 115_200);
    expect(await second.ask(frameOf('02'), VERSION, QUIET_MS)).not.toMatch(VERSION);
    await second.setRate(1_288_000);
    await second.ask(HOST_ACK, /./, QUIET_MS);
    expect(await second.ask(frameOf('02'), VERSION)).toMatch(VERSION);
  });

  it('gets a name of its own, also over one that was left behind, and gives it back', async () => {
    const path = join(folder, 'uart');
    symlinkSync('/dev/pts/no-such', path);
    const { line } = await chipOnPty(path);
    expect(line.path).toBe(path);
    expect(readlinkSync(path)).toMatch(/^\/dev\/pts\/\d+$/);
    await expect(openPty(path)).rejects.toThrow('File exists');
    await line.close();
    expect(existsSync(path)).toBe(false);
  });
});

describe('other lines', () => {
  const DIALOGUE = concat(WAKE_UP, frameOf('02'));
  const ANSWER = '0000FF00FF000000FF06FAD50332010607E800';

  it('are sockets that somebody listens on, by address or by path', async () => {
    for (const where of [0, join(folder, 'socket')]) {
      const server = createServer().listen(where);
      await once(server, 'listening');
      const address = server.address();
      const name = typeof address === 'string' ? address : `127.0.0.1:${address?.port}`;
      const connected = once(server, 'connection');
      const line = await connectLine(name);
      new EmulatedPn532().attach(line);
      const [socket] = (await connected) as [Socket];
      socket.write(DIALOGUE);
      let received = '';
      socket.on('data', (chunk) => {
        received += toHex(new Uint8Array(chunk));
      });
      while (received.length < ANSWER.length) await once(socket, 'data');
      expect(received).toBe(ANSWER);
      socket.destroy();
      await line.closed;
      server.close();
    }
    await expect(connectLine('127.0.0.1:1')).rejects.toThrow('ECONNREFUSED');
  });

  it('are any stream of this process', async () => {
    const sent: Uint8Array[] = [];
    const stream = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, done) => {
        sent.push(chunk);
        done();
      },
    });
    const line = lineOfStream(stream);
    new EmulatedPn532().attach(line);
    stream.push(Buffer.from(DIALOGUE));
    while (toHex(concat(...sent)).length < ANSWER.length) await pause(1);
    expect(toHex(concat(...sent))).toBe(ANSWER);
    await line.close();
  });

  it('may be cut off from the chip by another', async () => {
    const chip = new EmulatedPn532();
    const lines = [0, 1].map(() => ({
      onBytes: (_bytes: Uint8Array) => {},
      hostBaud: undefined,
      sent: 0,
      send(): void {
        this.sent += 1;
      },
    }));
    for (const line of lines) chip.attach(line);
    lines[0]?.onBytes(fromHex('5555'));
    for (const line of lines) line.onBytes(DIALOGUE);
    await pause(QUIET_MS);
    expect(lines.map(({ sent }) => sent)).toEqual([0, 2]);
  });
});
