/**
 * Just enough of pcsc-lite's client protocol to ask a pcscd which readers it has, without loading libpcsclite:
 * the library remembers the first socket it talks to for the life of the process.
 *
 * @see https://github.com/LudovicRousseau/PCSC src/winscard_msg.h, src/eventhandler.h (protocol 4:4 and later)
 */
import { once } from 'node:events';
import { connect } from 'node:net';

const COMMAND_VERSION = 0x11;
const COMMAND_GET_READERS_STATE = 0x12;
const VERSION_LENGTH_BYTES = 12;
const MAX_READERS = 16;
const READER_NAME_LENGTH_BYTES = 128;
/** name, event counter, state, sharing, ATR (33, padded to 36), ATR length, protocol */
const READER_STATE_LENGTH_BYTES = READER_NAME_LENGTH_BYTES + 4 + 4 + 4 + 36 + 4 + 4;

/** Names the readers of the pcscd behind `socketPath`. Waits for a daemon that is still starting, as libpcsclite does. */
export async function readPcscdReaders(socketPath: string, signal: AbortSignal): Promise<string[]> {
  signal.throwIfAborted();
  const socket = connect({ path: socketPath });
  // By hand: given to connect(), the signal would keep a listener of each refused socket.
  const onAbort = (): void => void socket.destroy(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    await once(socket, 'connect');
    socket.write(encodeRequest(COMMAND_VERSION, encodeVersion()));
    socket.write(encodeRequest(COMMAND_GET_READERS_STATE, Buffer.alloc(0)));
    const expectedBytes = VERSION_LENGTH_BYTES + MAX_READERS * READER_STATE_LENGTH_BYTES;
    let received = Buffer.alloc(0);
    for await (const chunk of socket) {
      received = Buffer.concat([received, chunk as Buffer]);
      if (received.length >= expectedBytes) return parseReaderNames(received.subarray(VERSION_LENGTH_BYTES));
    }
    return [];
  } finally {
    signal.removeEventListener('abort', onAbort);
    socket.destroy();
  }
}

function encodeRequest(command: number, body: Buffer): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(body.length, 0);
  header.writeUInt32LE(command, 4);
  return Buffer.concat([header, body]);
}

function encodeVersion(): Buffer {
  const version = Buffer.alloc(VERSION_LENGTH_BYTES);
  version.writeInt32LE(4, 0);
  version.writeInt32LE(4, 4);
  return version;
}

function parseReaderNames(states: Buffer): string[] {
  const names: string[] = [];
  for (let index = 0; index < MAX_READERS; index++) {
    const start = index * READER_STATE_LENGTH_BYTES;
    const field = states.subarray(start, start + READER_NAME_LENGTH_BYTES);
    const name = field.subarray(0, field.indexOf(0)).toString('utf8');
    if (name !== '') names.push(name);
  }
  return names;
}
