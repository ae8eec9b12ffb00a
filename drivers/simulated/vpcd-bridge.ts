/**
 * Offers a virtual card or SAM to a real pcscd through the vpcd reader driver.
 *
 * vpcd listens, we connect: a connection is a card in the slot. Messages are a big-endian length of two
 * bytes and that many bytes; one byte alone is a control message.
 * @see vsmartcard virtualsmartcard/src/vpcd/vpcd.h
 */
import { connect, type Socket } from 'node:net';
import { type Clock, systemClock } from '#ports/clock.ts';
import { concat, readUint, uint } from './bytes.ts';
import { CardLine } from './card-line.ts';
import type { Behaviour } from './faults.ts';
import type { Meter, TimingProfile } from './timing.ts';
import type { VirtualCard } from './virtual-card.ts';

const CONTROL = { powerOff: 0x00, powerOn: 0x01, reset: 0x02, atr: 0x04 } as const;

export interface VpcdOptions {
  readonly card: VirtualCard;
  /** Default: this machine. */
  readonly host?: string;
  /** 35963 is the first slot of an installed vpcd, 35964 the second. */
  readonly port: number;
  readonly clock?: Clock;
  readonly timing?: TimingProfile;
  readonly meter?: Meter;
  readonly faults?: Behaviour[];
}

export interface VpcdConnection {
  /** Resolves when the card is out of the slot, whoever took it out. */
  readonly closed: Promise<void>;
  /** Takes the card out of the slot. */
  close(): Promise<void>;
}

/** Cuts a byte stream into vpcd messages. */
export class VpcdMessages {
  #buffer: Uint8Array = new Uint8Array();

  /** Messages that `chunk` completes. */
  push(chunk: Uint8Array): Uint8Array[] {
    this.#buffer = concat(this.#buffer, chunk);
    const messages: Uint8Array[] = [];
    for (;;) {
      const end = 2 + readUint(this.#buffer.subarray(0, 2));
      if (this.#buffer.length < 2 || this.#buffer.length < end) return messages;
      messages.push(this.#buffer.slice(2, end));
      this.#buffer = this.#buffer.slice(end);
    }
  }
}

export function encodeVpcdMessage(bytes: Uint8Array): Uint8Array {
  return concat(uint(bytes.length, 2), bytes);
}

/** What goes back for one message; undefined when vpcd expects nothing, 'leave' when the card is gone. */
async function respond(line: CardLine, message: Uint8Array): Promise<Uint8Array | 'leave' | undefined> {
  const { card } = line;
  if (message.length !== 1) {
    const outcome = await line.exchange(message);
    if (outcome.kind === 'answer') return outcome.bytes;
    return outcome.kind === 'removed' ? 'leave' : undefined;
  }
  switch (message[0]) {
    case CONTROL.powerOff:
      card.powerOff();
      return undefined;
    case CONTROL.powerOn:
      card.powerOn();
      return undefined;
    case CONTROL.reset:
      card.powerOn();
      card.warmReset();
      return undefined;
    case CONTROL.atr:
      return card.atr;
    default:
      return undefined;
  }
}

function serve(socket: Socket, line: CardLine): void {
  const messages = new VpcdMessages();
  let order = Promise.resolve();
  const handle = async (message: Uint8Array): Promise<void> => {
    const reply = await respond(line, message);
    if (reply === 'leave') socket.destroy();
    else if (reply !== undefined && !socket.destroyed) socket.write(encodeVpcdMessage(reply));
  };
  socket.on('data', (chunk: Buffer) => {
    for (const message of messages.push(chunk)) order = order.then(() => handle(message));
  });
}

/** Puts the card into the slot; rejects when vpcd is not there. */
export async function connectToVpcd(options: VpcdOptions): Promise<VpcdConnection> {
  const { card, timing, meter, faults } = options;
  const socket = connect({ host: options.host ?? '127.0.0.1', port: options.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  const closed = new Promise<void>((resolve) => {
    socket.once('close', () => {
      card.powerOff();
      resolve();
    });
  });
  // An error is followed by 'close', which is all that matters here.
  socket.on('error', () => {});
  serve(socket, new CardLine(card, { clock: options.clock ?? systemClock, timing, meter, faults }));
  return {
    closed,
    close: () => {
      socket.destroy();
      return closed;
    },
  };
}
