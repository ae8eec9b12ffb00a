/** PC/SC calls as promises, every one with a deadline. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SekishoError } from '#contract/errors.ts';
import { PcscFailure } from './failure.ts';

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

interface Reply {
  readonly id: number;
  readonly result?: unknown;
  readonly failure?: string;
}

interface Pending {
  readonly host: ChildProcess;
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
  #process: ChildProcess | undefined;
  #lastId = 0;

  /** `socketPath` names another pcscd than the system's. */
  constructor(socketPath?: string) {
    this.#socketPath = socketPath;
  }

  async list(): Promise<readonly ReaderState[]> {
    return (await this.#call('list', undefined, SERVICE_TIMEOUT_MS)) as ReaderState[];
  }

  async wait(known: ReaderState, timeoutMs: number): Promise<number | undefined> {
    const argument = { name: known.name, state: known.state, timeoutMs };
    return (await this.#call('wait', argument, timeoutMs + SERVICE_TIMEOUT_MS)) as number | undefined;
  }

  async cancel(): Promise<void> {
    await this.#call('cancel', undefined, SERVICE_TIMEOUT_MS);
  }

  async connect(readerName: string, timeoutMs: number): Promise<Uint8Array> {
    return (await this.#call('connect', readerName, timeoutMs)) as Uint8Array;
  }

  async transmit(command: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    return (await this.#call('transmit', command, timeoutMs)) as Uint8Array;
  }

  async control(readerName: string, command: Uint8Array): Promise<Uint8Array> {
    return (await this.#call('control', { readerName, command }, SERVICE_TIMEOUT_MS)) as Uint8Array;
  }

  async disconnect(disposition: Disposition): Promise<void> {
    // Whoever held the card has gone, and pcscd has it back.
    if (this.#process === undefined) return;
    await this.#call('disconnect', disposition, SERVICE_TIMEOUT_MS);
  }

  async renew(): Promise<void> {
    await this.#call('renew', undefined, SERVICE_TIMEOUT_MS);
  }

  async retire(): Promise<void> {
    const host = this.#process;
    if (!host) return;
    this.#process = undefined;
    const exited = once(host, 'exit');
    if (host.connected) host.disconnect();
    const timer = setTimeout(() => host.kill('SIGKILL'), RETIRE_TIMEOUT_MS);
    await exited;
    clearTimeout(timer);
  }

  async kill(): Promise<void> {
    const host = this.#process;
    if (!host) return;
    this.#process = undefined;
    const exited = once(host, 'exit');
    host.kill('SIGKILL');
    await exited;
  }

  async #call(operation: string, argument: unknown, timeoutMs: number): Promise<unknown> {
    const id = ++this.#lastId;
    const host = this.#start();
    const reply = new Promise<unknown>((resolve, reject) => this.#pending.set(id, { host, resolve, reject }));
    const timer = setTimeout(() => {
      this.#pending
        .get(id)
        ?.reject(new SekishoError('reader.timeout', { context: { operation, timeoutMs } }));
      if (this.#process === host) this.#process = undefined;
      host.kill('SIGKILL');
    }, timeoutMs);
    host.send({ id, operation, argument }, (error) => error && this.#lose(host, error));
    try {
      return await reply;
    } finally {
      clearTimeout(timer);
      this.#pending.delete(id);
    }
  }

  #start(): ChildProcess {
    if (this.#process) return this.#process;
    const place = this.#socketPath === undefined ? {} : { PCSCLITE_CSOCK_NAME: this.#socketPath };
    const host = spawn('/usr/bin/setpriv', ['--pdeathsig=SIGKILL', process.execPath, ...HOST_FLAGS, HOST], {
      env: { ...process.env, NODE_OPTIONS: '', ...place },
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    host.on('message', (reply: Reply) => this.#settle(reply));
    host.on('error', (cause) => this.#lose(host, cause));
    host.on('exit', (code, signal) => this.#lose(host, new Error(`the host ended (${code ?? signal})`)));
    this.#process = host;
    return host;
  }

  #settle({ id, result, failure }: Reply): void {
    const pending = this.#pending.get(id);
    if (failure === undefined) pending?.resolve(result);
    else pending?.reject(new PcscFailure(failure));
  }

  /** The binding is missing or crashed, or the host was killed with calls under way. */
  #lose(host: ChildProcess, cause: Error): void {
    if (this.#process === host) this.#process = undefined;
    const error = new SekishoError('reader.failed', { cause, context: { reason: 'pcsc-host' } });
    for (const pending of this.#pending.values()) if (pending.host === host) pending.reject(error);
  }
}
