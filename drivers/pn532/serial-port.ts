/** A UART or USB serial adapter as a line: 8N1, exclusive, no flow control. The only file that names `serialport`. */
import { SerialPort } from 'serialport';
import { type ErrorCode, SekishoError } from '#contract/errors.ts';
import type { OpenLine, SerialLine } from './serial-line.ts';

/** tcdrain and close hang on some adapters (serialport/bindings-cpp#237). */
const CALL_TIMEOUT_MS = 1_000;
const OPEN_TIMEOUT_MS = 3_000;

/** The binding reports texts of strerror(3), not numbers (serialport_unix.cpp of @serialport/bindings-cpp 13). */
const OPEN_FAILURES: readonly (readonly [RegExp, ErrorCode])[] = [
  [/Permission denied|Operation not permitted/, 'reader.device-forbidden'],
  [/Cannot lock port|Device or resource busy/, 'reader.device-busy'],
  [
    /No such |Not a directory|Is a directory|Inappropriate ioctl|Input\/output error/,
    'reader.device-missing',
  ],
];

/** Opens `path`, such as `/dev/serial0` or `/dev/serial/by-id/…`. */
export function serialPortLine(path: string): OpenLine {
  return async (baudRate, ears) => {
    const port = new SerialPort({ path, baudRate, autoOpen: false });
    try {
      await call(OPEN_TIMEOUT_MS, (done) => port.open(done));
    } catch (cause) {
      throw toOpenError(cause);
    }
    port.on('data', ears.onBytes);
    port.on('error', ears.onLost);
    port.on('close', ears.onLost);
    return new PortLine(port);
  };
}

class PortLine implements SerialLine {
  readonly #port: SerialPort;

  constructor(port: SerialPort) {
    this.#port = port;
  }

  send(bytes: Uint8Array): void {
    if (this.#port.isOpen) this.#port.write(bytes);
  }

  /** A change of rate throws away what the kernel still holds, so that must be on the wire before. */
  async setBaudRate(baudRate: number): Promise<void> {
    await call(CALL_TIMEOUT_MS, (done) => this.#port.drain(done));
    await call(CALL_TIMEOUT_MS, (done) => this.#port.update({ baudRate }, done));
  }

  async close(): Promise<void> {
    if (!this.#port.isOpen) return;
    await call(CALL_TIMEOUT_MS, (done) => this.#port.drain(done)).catch(() => {});
    await call(CALL_TIMEOUT_MS, (done) => this.#port.close(done)).catch(() => {});
  }
}

function call(timeoutMs: number, start: (done: (error: Error | null) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new SekishoError('reader.timeout')), timeoutMs);
    start((error) => {
      clearTimeout(timer);
      if (error) reject(error);
      else resolve();
    });
  });
}

/** What somebody can do about it decides the code. */
export function toOpenError(cause: unknown): SekishoError {
  if (cause instanceof SekishoError) return cause;
  const text = cause instanceof Error ? cause.message : '';
  const code = OPEN_FAILURES.find(([pattern]) => pattern.test(text))?.[1] ?? 'reader.unreachable';
  return new SekishoError(code, { cause });
}
