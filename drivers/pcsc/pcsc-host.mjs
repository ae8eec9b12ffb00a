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
import * as pcsc from 'smartcard';

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
  /** @returns {{ name: string, state: number, atr: Uint8Array | undefined }[]} */
  list() {
    watching ??= new pcsc.Context();
    return watching.listReaders().map(({ name, state, atr }) => ({
      name,
      state,
      atr: atr ? new Uint8Array(atr) : undefined,
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
    return new Uint8Array(card.atr ?? []);
  },

  /** @param {Uint8Array} command */
  async transmit(command) {
    if (!card) throw new Error('Card is not connected');
    const sent = Buffer.from(command);
    try {
      return new Uint8Array(await card.transmit(sent, { maxRecvLength: MAX_RESPONSE_BYTES }));
    } finally {
      // It may have been a PIN. `command` is a view of the message that brought it.
      sent.fill(0);
      command.fill(0);
    }
  },

  /** @param {{ readerName: string, command: Uint8Array }} escape */
  async control({ readerName, command }) {
    if (card && cardIn === readerName)
      return new Uint8Array(await card.control(CONTROL_ESCAPE, Buffer.from(command)));
    linking ??= new pcsc.Context();
    const reader = linking.listReaders().find((candidate) => candidate.name === readerName);
    if (!reader) throw new Error('Unknown reader');
    // Direct: needs no card, and resets none; refused while another program holds the reader for itself.
    const direct = await reader.connect(pcsc.SCARD_SHARE_DIRECT, pcsc.SCARD_PROTOCOL_UNDEFINED);
    try {
      return new Uint8Array(await direct.control(CONTROL_ESCAPE, Buffer.from(command)));
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

/** @param {{ id: number, result?: unknown, failure?: string }} reply */
function send(reply) {
  // Nobody is left to tell when this fails; 'disconnect' below ends the process.
  process.send?.(reply, undefined, undefined, () => {});
}

process.on('message', async (/** @type {any} */ { id, operation, argument }) => {
  try {
    // @ts-expect-error: PcscHost makes the pair and types it
    send({ id, result: await operations[operation](argument) });
  } catch (error) {
    send({ id, failure: error instanceof Error ? error.message : String(error) });
  }
});

// Asked to leave, or left alone: takes the power off on the way out.
process.on('disconnect', () => {
  try {
    operations.disconnect('unpower');
  } finally {
    process.exit();
  }
});
