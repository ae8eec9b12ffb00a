/** Serial lines that the chip can be wired to: a pty of this machine, a socket, or a stream in this process. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { concat } from '../bytes.ts';
import type { SerialLine } from './serial-port.ts';

const PTY_PROGRAM = fileURLToPath(new URL('./pty.py', import.meta.url));
const RECORD_HEADER_BYTES = 11;
const DATA = 0x44;

export interface OpenLine extends SerialLine {
  /** Resolves when the line is gone, whoever ended it. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface PtyLine extends OpenLine {
  /** What a host opens. */
  readonly path: string;
}

/** Any duplex stream. Its other end tells no rate, so both always agree. */
export function lineOfStream(stream: Duplex): OpenLine {
  const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
  const line: OpenLine = {
    onBytes: () => {},
    hostBaud: undefined,
    send: (bytes) => {
      if (!stream.destroyed) stream.write(bytes);
    },
    closed,
    close: () => {
      stream.destroy();
      return closed;
    },
  };
  stream.on('data', (chunk: Buffer) => line.onBytes(new Uint8Array(chunk)));
  // 'close' follows, and says what matters.
  stream.on('error', () => {});
  return line;
}

/** `HOST:PORT`, or the path of a Unix socket that somebody listens on: QEMU does with `-chardev socket,server=on`. */
export async function connectLine(address: string): Promise<OpenLine> {
  const [, host, port] = /^([^/]*):(\d+)$/.exec(address) ?? [];
  const target = port === undefined ? { path: address } : { host: host || '127.0.0.1', port: Number(port) };
  const socket: Socket = connect({ ...target, noDelay: true });
  await once(socket, 'connect');
  return lineOfStream(socket);
}

/**
 * A pty, whose host sets a rate with the usual calls; `linkPath` becomes a symbolic link to it. Rejects when python3 is
 * missing or the link exists.
 */
export async function openPty(linkPath?: string): Promise<PtyLine> {
  const child = spawn('python3', ['-I', '-S', PTY_PROGRAM, ...(linkPath === undefined ? [] : [linkPath])], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const { records, path } = await nameOf(child);
  let hostBaud: number | undefined;
  const line = {
    onBytes: (_bytes: Uint8Array, _hostBauds?: readonly number[]) => {},
    get hostBaud() {
      return hostBaud;
    },
    send: (bytes: Uint8Array) => {
      if (child.stdin.writable) child.stdin.write(bytes);
    },
    path: linkPath ?? path,
    closed,
    close: () => {
      child.stdin.end();
      return closed;
    },
  };
  child.stdin.on('error', () => {});
  records.onRecord = ({ kind, before, now, bytes }) => {
    hostBaud = now;
    if (kind === DATA) line.onBytes(bytes, before === now ? [now] : [before, now]);
  };
  records.push(new Uint8Array());
  return line;
}

interface PtyRecord {
  readonly kind: number;
  readonly before: number;
  readonly now: number;
  readonly bytes: Uint8Array;
}

/** Cuts the program's output into records. */
class PtyRecords {
  onRecord: ((record: PtyRecord) => void) | undefined;
  #buffer: Uint8Array = new Uint8Array();

  push(chunk: Uint8Array): void {
    this.#buffer = concat(this.#buffer, chunk);
    while (this.onRecord !== undefined && this.#buffer.length >= RECORD_HEADER_BYTES) {
      const view = new DataView(this.#buffer.buffer, this.#buffer.byteOffset, this.#buffer.length);
      const end = RECORD_HEADER_BYTES + view.getUint16(9);
      if (this.#buffer.length < end) return;
      const record = {
        kind: view.getUint8(0),
        before: view.getUint32(1),
        now: view.getUint32(5),
        bytes: this.#buffer.slice(RECORD_HEADER_BYTES, end),
      };
      this.#buffer = this.#buffer.slice(end);
      this.onRecord(record);
    }
  }

  /** The text before the first line feed, once it is there. */
  takeLine(): string | undefined {
    const end = this.#buffer.indexOf(0x0a);
    if (end < 0) return undefined;
    const line = Buffer.from(this.#buffer.subarray(0, end)).toString('utf8');
    this.#buffer = this.#buffer.slice(end + 1);
    return line;
  }
}

/** The program's first words: N and the name of the pty. */
function nameOf(child: ChildProcess): Promise<{ readonly records: PtyRecords; readonly path: string }> {
  return new Promise((resolve, reject) => {
    const records = new PtyRecords();
    let isNamed = false;
    let complaint = '';
    child.stderr?.on('data', (chunk) => {
      complaint += chunk;
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(complaint.trim().split('\n').at(-1) ?? 'no pty')));
    child.stdout?.on('data', (chunk: Buffer) => {
      records.push(new Uint8Array(chunk));
      const name = isNamed ? undefined : records.takeLine();
      if (name === undefined) return;
      isNamed = true;
      resolve({ records, path: name.slice(1) });
    });
  });
}
