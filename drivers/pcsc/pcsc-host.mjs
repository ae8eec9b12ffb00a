// @ts-check
/**
 * The only file that names the PC/SC binding; runs as a process of its own, one per reader.
 *
 * PC/SC calls cannot be cancelled and half of them block their caller: SCardDisconnect waits for the card to power
 * down, or for ever behind an exchange that hangs. A process can be killed, and pcscd then resets the card that it
 * held. (A worker thread cannot, keeps its process from exiting, and the binding's static state allows one per
 * process.) Plain JavaScript, because Node 20 cannot start from TypeScript.
 *
 * Two contexts, because libpcsclite lets one call at a time into a context, and a wait takes long.
 */
import { Socket } from 'node:net';
import * as pcsc from 'smartcard';
import { encodeHostFrame, HostFrameReader } from './host-line.mjs';

/** Where `PcscHost` puts our end of the line. */
const LINE_FD = 3;
/** All but the longest commands come in one piece. */
const CHUNK_BYTES = 65_536;

/** Largest response APDU. @see ISO 7816-4 §5.1: Ne up to 65,536, and SW1 SW2 */
const MAX_RESPONSE_BYTES = 65_538;

/** @type {import('smartcard').ContextInterface | undefined} */
let watching;
/** @type {import('smartcard').ContextInterface | undefined} */
let linking;
/** @type {import('smartcard').CardInterface | undefined} */
let card;
/** Where `card` is. */
let cardIn = '';

/** SCARD_CTL_CODE(3500) of pcsc-lite: an escape command for the reader. @see PC/SC part 3 §2.2.1.3, reader.h */
const CONTROL_ESCAPE = 0x4200_0dac;

const operations = {
  /** @returns {{ name: string, state: number, atr: string | undefined }[]} `atr` in hexadecimal */
  list() {
    watching ??= new pcsc.Context();
    return watching.listReaders().map(({ name, state, atr }) => ({
      name,
      state,
      atr: atr ? Buffer.from(atr).toString('hex') : undefined,
    }));
  },

  /** @param {{ name: string, state: number, timeoutMs: number }} known */
  async wait({ name, state, timeoutMs }) {
    watching ??= new pcsc.Context();
    const changes = await watching.waitForChange([{ name, state, changed: false, atr: null }], timeoutMs);
    return changes?.[0]?.state;
  },

  cancel() {
    watching?.cancel();
  },

  /** @param {string} name */
  async connect(name) {
    linking ??= new pcsc.Context();
    const reader = linking.listReaders().find((candidate) => candidate.name === name);
    if (!reader) throw new Error('Unknown reader');
    card = await reader.connect(pcsc.SCARD_SHARE_EXCLUSIVE, pcsc.SCARD_PROTOCOL_T1);
    cardIn = name;
    return Buffer.from(card.atr ?? []);
  },

  /** @param {Uint8Array} command */
  async transmit(command) {
    if (!card) throw new Error('Card is not connected');
    const sent = Buffer.from(command.buffer, command.byteOffset, command.length);
    try {
      return await card.transmit(sent, { maxRecvLength: MAX_RESPONSE_BYTES });
    } finally {
      // It may have been a PIN.
      sent.fill(0);
    }
  },

  /** @param {{ readerName: string, command: string }} escape `command` in hexadecimal */
  async control({ readerName, command }) {
    const bytes = Buffer.from(command, 'hex');
    if (card && cardIn === readerName) return card.control(CONTROL_ESCAPE, bytes);
    linking ??= new pcsc.Context();
    const reader = linking.listReaders().find((candidate) => candidate.name === readerName);
    if (!reader) throw new Error('Unknown reader');
    // Direct: needs no card, and resets none; refused while another program holds the reader for itself.
    const direct = await reader.connect(pcsc.SCARD_SHARE_DIRECT, pcsc.SCARD_PROTOCOL_UNDEFINED);
    try {
      return await direct.control(CONTROL_ESCAPE, bytes);
    } finally {
      direct.disconnect(pcsc.SCARD_LEAVE_CARD);
    }
  },

  /** @param {'unpower' | 'leave'} disposition */
  disconnect(disposition) {
    const connected = card;
    card = undefined;
    connected?.disconnect(disposition === 'leave' ? pcsc.SCARD_LEAVE_CARD : pcsc.SCARD_UNPOWER_CARD);
  },

  /** Forgets contexts that a restarted daemon no longer knows. */
  renew() {
    card = undefined;
    linking?.close();
    watching?.close();
    linking = watching = undefined;
  },
};

const incoming = new HostFrameReader();
// One buffer for everything that comes: nothing is left behind in others.
const line = new Socket({
  fd: LINE_FD,
  readable: true,
  writable: true,
  // @ts-expect-error: the types know `onread` of connections only
  onread: {
    buffer: Buffer.alloc(CHUNK_BYTES),
    /** @type {(bytesRead: number, buffer: Buffer) => boolean} */
    callback(bytesRead, buffer) {
      for (const frame of incoming.push(buffer.subarray(0, bytesRead))) void serve(frame);
      return true;
    },
  },
});

/** @param {import('./host-line.mjs').HostFrame} frame */
async function serve({ id, kind, body }) {
  try {
    if (kind === 'bytes') {
      send(id, 'bytes', await operations.transmit(body));
      return;
    }
    const { operation, argument } = JSON.parse(Buffer.from(body).toString('utf8'));
    // @ts-expect-error: PcscHost makes the pair and types it
    const result = await operations[operation](argument);
    if (result instanceof Uint8Array) send(id, 'bytes', result);
    else send(id, 'json', Buffer.from(JSON.stringify({ result })));
  } catch (error) {
    send(id, 'failure', Buffer.from(error instanceof Error ? error.message : String(error)));
  }
}

/**
 * @param {number} id
 * @param {import('./host-line.mjs').BodyKind} kind
 * @param {Uint8Array} body
 */
function send(id, kind, body) {
  line.write(encodeHostFrame(id, kind, body));
}

// Nobody is left to tell when writing fails; 'close' below ends the process.
line.on('error', () => {});
// Asked to leave, or left alone: takes the power off on the way out.
line.on('close', () => {
  try {
    operations.disconnect('unpower');
  } finally {
    process.exit();
  }
});
