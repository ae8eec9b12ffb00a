/** The gateway's way to a broker in a process of its own. Connects when something is asked, anew after each loss. */
import { connect, type Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import type { ApduMeter } from '#card/exchange.ts';
import { SekishoError } from '#contract/errors.ts';
import { type Answer, type Ask, COMMANDS, type CommandName } from './commands.ts';
import { FromBroker } from './envelope.ts';
import { encodeFrame, FrameReader } from './frames.ts';
import type { BrokerLink, LinkEvent } from './link.ts';

interface Pending {
  readonly socket: Socket;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Longer than the longest exchange with a SAM, and the search for one. */
const ANSWER_TIMEOUT_MS = 15_000;

export class SocketLink implements BrokerLink {
  readonly #socketPath: string;
  readonly #pending = new Map<number, Pending>();
  readonly #listeners = new Set<(event: LinkEvent) => void>();
  #meter: ApduMeter = { count: 0, bytesOut: 0, bytesIn: 0 };
  #connection: Promise<Socket> | undefined;
  #lastId = 0;

  constructor(socketPath: string) {
    this.#socketPath = socketPath;
  }

  get meter(): ApduMeter {
    return this.#meter;
  }

  onEvent(listener: (event: LinkEvent) => void): void {
    this.#listeners.add(listener);
  }

  /** Rejects `sam.broker-unreachable`, and whatever the broker refuses. */
  async call<Name extends CommandName>(name: Name, ask: Ask<Name>): Promise<Answer<Name>> {
    this.#connection ??= this.#connect();
    const socket = await this.#connection;
    if (socket.destroyed) throw unreachable();
    const id = ++this.#lastId;
    const answer = new Promise<unknown>((resolve, reject) =>
      this.#pending.set(id, { socket, resolve, reject }),
    );
    const answered = new AbortController();
    // A broker that hangs is as good as none, and letting go of it takes the power off when it wakes.
    wait(ANSWER_TIMEOUT_MS, undefined, { signal: answered.signal, ref: false }).then(
      () => socket.destroy(),
      () => undefined,
    );
    socket.write(encodeFrame({ id, do: name, ask }));
    try {
      return COMMANDS[name].answer.parse(await answer) as Answer<Name>;
    } finally {
      answered.abort();
      this.#pending.delete(id);
    }
  }

  async close(): Promise<void> {
    const socket = await this.#connection?.catch(() => undefined);
    if (socket === undefined || socket.destroyed) return;
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve());
      socket.destroy();
    });
  }

  #connect(): Promise<Socket> {
    const connection = new Promise<Socket>((resolve, reject) => {
      const socket = connect(this.#socketPath);
      const frames = new FrameReader();
      socket.once('connect', () => {
        socket.once('close', () => this.#lost(socket));
        resolve(socket);
      });
      socket.on('error', (cause) => reject(unreachable(cause)));
      socket.on('data', (chunk: Buffer) => {
        try {
          for (const message of frames.push(chunk)) this.#heard(message);
        } catch {
          socket.destroy();
        }
      });
    });
    // Tried anew by whoever asks next.
    connection.catch(() => {
      if (this.#connection === connection) this.#connection = undefined;
    });
    return connection;
  }

  #heard(message: unknown): void {
    const said = FromBroker.parse(message);
    if ('event' in said) {
      for (const tell of [...this.#listeners]) tell(said);
    } else if ('error' in said) {
      const { code, field, context } = said.error;
      const error = new SekishoError(code, { context, ...(field === undefined ? {} : { field }) });
      this.#pending.get(said.id)?.reject(error);
    } else {
      this.#meter = said.meter;
      this.#pending.get(said.id)?.resolve(said.answer);
    }
  }

  #lost(lost: Socket): void {
    this.#connection = undefined;
    for (const { socket, reject } of this.#pending.values()) if (socket === lost) reject(unreachable());
    for (const tell of [...this.#listeners]) tell({ event: 'gone' });
  }
}

function unreachable(cause?: unknown): SekishoError {
  return new SekishoError('sam.broker-unreachable', { cause });
}
