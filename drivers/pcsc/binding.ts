/** PC/SC calls as promises, every one with a deadline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { SekishoError } from '#contract/errors.ts';
import { PcscFailure } from './failure.ts';
import { encodeHostFrame, type HostFrame, HostFrameReader } from './host-line.mjs';

export interface ReaderState {
  readonly name: string;
  /** SCARD_STATE_* flags; the upper half counts insertions and removals. */
  readonly state: number;
  /** Of the card in it, when there is one. */
  readonly atr?: Uint8Array | undefined;
}

export type Disposition = 'unpower' | 'leave';

/** What the host process can be asked. Kept small: a script stands in for it in tests. */
export interface PcscBinding {
  list(): Promise<readonly ReaderState[]>;
  /** The new state, or undefined when nothing changed within `timeoutMs`. */
  wait(known: ReaderState, timeoutMs: number): Promise<number | undefined>;
  /** Ends a wait early. */
  cancel(): Promise<void>;
  /** Exclusive, T=1; resolves with the ATR. */
  connect(readerName: string, timeoutMs: number): Promise<Uint8Array>;
  transmit(command: Uint8Array, timeoutMs: number): Promise<Uint8Array>;
  /** An escape command to the reader itself, over a direct connection or the one that is open; resolves with its answer. */
  control(readerName: string, command: Uint8Array): Promise<Uint8Array>;
  /** Gives the card back, with its power off or, when it has gone, as it is. */
  disconnect(disposition: Disposition): Promise<void>;
  /** Forgets the connection to a pcscd that went away. */
  renew(): Promise<void>;
  /** Gives the reader back; pcscd takes it back by force when a call hangs. */
  retire(): Promise<void>;
  /** Lets go at once, without asking: pcscd resets what was held. Calls that are under way fail. */
  kill(): Promise<void>;
}

/** Calls that only talk to pcscd, or take the power off. */
const SERVICE_TIMEOUT_MS = 3_000;
/** Powering down takes 0.1 s. */
const RETIRE_TIMEOUT_MS = 1_000;

const HOST = fileURLToPath(new URL('./pcsc-host.mjs', import.meta.url));
/** It passes messages on and keeps nothing: 10 MB less at no cost in time. */
const HOST_FLAGS = ['--max-semi-space-size=1', '--max-old-space-size=16'];

/** As `pcsc-host.mjs` calls them. */
type Operation = 'list' | 'wait' | 'cancel' | 'connect' | 'transmit' | 'control' | 'disconnect' | 'renew';

interface Host {
  readonly process: ChildProcess;
  /** Undefined when no file descriptor was left to make it: 'error' of the process says so. */
  readonly line: Socket | undefined;
}

interface Pending {
  readonly host: Host;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * One host process, started with the first call. A call that misses its deadline takes its process with it, and the
 * next call starts a fresh one. The kernel kills the host when this process dies, however it dies.
 */
export class PcscHost implements PcscBinding {
  readonly #socketPath: string | undefined;
  readonly #pending = new Map<number, Pending>();
  #host: Host | undefined;
  #lastId = 0;

  /** `socketPath` names another pcscd than the system's. */
  constructor(socketPath?: string) {
    this.#socketPath = socketPath;
  }

  async list(): Promise<readonly ReaderState[]> {
    const readers = (await this.#ask('list', undefined, SERVICE_TIMEOUT_MS)) as readonly ListedReader[];
    return readers.map(({ name, state, atr }) => ({ name, state, ...(atr && { atr: fromHex(atr) }) }));
  }

  async wait(known: ReaderState, timeoutMs: number): Promise<number | undefined> {
    const argument = { name: known.name, state: known.state, timeoutMs };
    return (await this.#ask('wait', argument, timeoutMs + SERVICE_TIMEOUT_MS)) as number | undefined;
  }

  async cancel(): Promise<void> {
    await this.#ask('cancel', undefined, SERVICE_TIMEOUT_MS);
  }

  async connect(readerName: string, timeoutMs: number): Promise<Uint8Array> {
    return (await this.#ask('connect', readerName, timeoutMs)) as Uint8Array;
  }

  async transmit(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    const response = await this.#call('transmit', (id) => encodeHostFrame(id, 'bytes', command), timeoutMs);
    return response as Uint8Array;
  }

  async control(readerName: string, command: Uint8Array): Promise<Uint8Array> {
    const argument = { readerName, command: Buffer.from(command).toString('hex') };
    return (await this.#ask('control', argument, SERVICE_TIMEOUT_MS)) as Uint8Array;
  }

  async disconnect(disposition: Disposition): Promise<void> {
    // Whoever held the card has gone, and pcscd has it back.
    if (this.#host === undefined) return;
    await this.#ask('disconnect', disposition, SERVICE_TIMEOUT_MS);
  }

  async renew(): Promise<void> {
    await this.#ask('renew', undefined, SERVICE_TIMEOUT_MS);
  }

  async retire(): Promise<void> {
    const host = this.#host;
    if (!host) return;
    this.#host = undefined;
    const exited = once(host.process, 'exit');
    host.line?.end();
    const timer = setTimeout(() => host.process.kill('SIGKILL'), RETIRE_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    const host = this.#host;
    if (!host) return;
    this.#host = undefined;
    const exited = once(host.process, 'exit');
    host.process.kill('SIGKILL');
    await exited;
  }

  #ask(operation: Operation, argument: unknown, timeoutMs: number): Promise<unknown> {
    const body = Buffer.from(JSON.stringify({ operation, argument }));
    return this.#call(operation, (id) => encodeHostFrame(id, 'json', body), timeoutMs);
  }

  async #call(operation: Operation, encode: (id: number) => Buffer, timeoutMs: number): Promise<unknown> {
    const id = ++this.#lastId;
    const host = this.#start();
    const reply = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { host, resolve, reject }));
    const timer = setTimeout(() => {
      this.#pending
        .get(id)
        ?.reject(new SekishoError('reader.timeout', { context: { operation, timeoutMs } }));
      if (this.#host === host) this.#host = undefined;
      host.process.kill('SIGKILL');
    }, timeoutMs);
    const frame = encode(id);
    // It may have been a PIN.
    host.line?.write(frame, (error) => {
      frame.fill(0);
      if (error) this.#lose(host, error);
    });
    try {
      return await reply;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #start(): Host {
    if (this.#host) return this.#host;
    const place = this.#socketPath === undefined ? {} : { PCSCLITE_CSOCK_NAME: this.#socketPath };
    const started = spawn(
      '/usr/bin/setpriv',
      ['--pdeathsig=SIGKILL', process.execPath, ...HOST_FLAGS, HOST],
      {
        env: { ...process.env, NODE_OPTIONS: '', ...place },
        stdio: ['ignore', 'ignore', 'inherit', 'pipe'],
      },
    );
    const line = (started.stdio as Partial<typeof started.stdio> | undefined)?.[3] as Socket | undefined;
    const host: Host = { process: started, line };
    const incoming = new HostFrameReader();
    line?.on('data', (chunk: Buffer) => {
      for (const frame of incoming.push(chunk)) this.#settle(frame);
    });
    line?.on('error', (cause) => this.#lose(host, cause));
    started.on('error', (cause) => this.#lose(host, cause));
    started.on('exit', (code, signal) => this.#lose(host, new Error(`the host ended (${code ?? signal})`)));
    this.#host = host;
    return host;
  }

  #settle({ id, kind, body }: HostFrame): void {
    const pending = this.#pending.get(id);
    if (kind === 'bytes') pending?.resolve(body);
    else if (kind === 'failure') pending?.reject(new PcscFailure(textOf(body)));
    else pending?.resolve((JSON.parse(textOf(body)) as { readonly result?: unknown }).result);
  }

  /** The binding is missing or crashed, or the host was killed with calls under way. */
  #lose(host: Host, cause: Error): void {
    if (this.#host === host) this.#host = undefined;
    const error = new SekishoError('reader.failed', { cause, context: { reason: 'pcsc-host' } });
    for (const pending of this.#pending.values()) if (pending.host === host) pending.reject(error);
  }
}

/** As the host lists it: `atr` in hexadecimal. */
interface ListedReader {
  readonly name: string;
  readonly state: number;
  readonly atr?: string;
}

function fromHex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text, 'hex'));
}

function textOf(body: Uint8Array): string {
  return Buffer.from(body).toString('utf8');
}
