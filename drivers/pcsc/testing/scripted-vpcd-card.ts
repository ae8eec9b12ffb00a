/**
 * A card for tests on the other end of a vpcd port: it answers from a script and notes its power events.
 *
 * @see https://frankmorgner.github.io/vsmartcard/virtualsmartcard/api.html (length-prefixed messages, control bytes)
 */
import { EventEmitter, once } from 'node:events';
import { connect, type Socket } from 'node:net';

const CONTROL_EVENTS = ['power-off', 'power-on', 'reset'] as const;
const CONTROL_GET_ATR = 4;

/** A contactless My Number Card's ATR. @see PC/SC part 3 §3.1.3.2.3 */
const CARD_ATR = Buffer.from('3B888001000041E0B381A1003B', 'hex');

export type PowerEvent = (typeof CONTROL_EVENTS)[number];
/** Gives the response, or undefined to stay silent for ever. */
export type Script = (command: Buffer) => Buffer | undefined;

export class ScriptedVpcdCard {
  readonly powerEvents: PowerEvent[] = [];
  readonly commands: Buffer[] = [];
  readonly #script: Script;
  readonly #atr: Buffer;
  readonly #happened = new EventEmitter();
  #socket: Socket | undefined;
  #buffered = Buffer.alloc(0);

  constructor(script: Script, atr: Buffer = CARD_ATR) {
    this.#script = script;
    this.#atr = atr;
  }

  async insert(port: number): Promise<void> {
    const socket = connect(port, '127.0.0.1');
    socket.setNoDelay(true);
    socket.on('data', (chunk) => this.#receive(socket, chunk));
    socket.on('error', () => socket.destroy());
    await once(socket, 'connect');
    this.#socket = socket;
  }

  remove(): void {
    this.#socket?.destroy();
    this.#socket = undefined;
    this.#buffered = Buffer.alloc(0);
  }

  /** Resolves when `event` has happened once more than `times`. */
  async sawPowerEvent(event: PowerEvent, times = 0): Promise<void> {
    while (this.powerEvents.filter((seen) => seen === event).length <= times)
      await once(this.#happened, 'power');
  }

  /** Resolves with the first event after the `seen` ones so far. */
  async nextPowerEvent(seen: number): Promise<PowerEvent | undefined> {
    while (this.powerEvents.length <= seen) await once(this.#happened, 'power');
    return this.powerEvents[seen];
  }

  #receive(socket: Socket, chunk: Buffer): void {
    this.#buffered = Buffer.concat([this.#buffered, chunk]);
    while (this.#buffered.length >= 2) {
      const end = 2 + this.#buffered.readUInt16BE(0);
      if (this.#buffered.length < end) return;
      const message = this.#buffered.subarray(2, end);
      this.#buffered = this.#buffered.subarray(end);
      this.#handle(socket, message);
    }
  }

  #handle(socket: Socket, message: Buffer): void {
    if (message.length !== 1) {
      this.commands.push(message);
      const response = this.#script(message);
      if (response) send(socket, response);
    } else if (message[0] === CONTROL_GET_ATR) {
      send(socket, this.#atr);
    } else {
      const event = CONTROL_EVENTS[message[0] ?? -1];
      if (event) this.powerEvents.push(event);
      this.#happened.emit('power');
    }
  }
}

function send(socket: Socket, message: Buffer): void {
  const frame = Buffer.alloc(2 + message.length);
  frame.writeUInt16BE(message.length, 0);
  message.copy(frame, 2);
  socket.write(frame);
}
