/**
 * The one door of the broker: a Unix socket that one client may use. Who that is the kernel decides when it connects: the
 * socket is a file of mode 0600, in a folder that nobody else may write to. When the client goes, however it goes, the
 * power goes off.
 */
import { lstatSync, rmSync, statSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { SekishoError, toSekishoError } from '#contract/errors.ts';
import type { Logger } from '#ports/logger.ts';
import type { SamBroker } from './broker.ts';
import { Request } from './envelope.ts';
import { encodeFrame, FrameReader, MAX_FRAME_BYTES } from './frames.ts';

export interface RunningServer {
  close(): Promise<void>;
}

/** systemd hands the socket over as this descriptor, when it made it. @see sd_listen_fds(3) */
const FIRST_INHERITED = 3;
/** A gateway asks for a handful at a time. */
const MAX_UNDER_WAY = 32;
/** What waits in this process for a client that does not read. Whoever reads has next to nothing waiting. */
const MAX_UNREAD_BYTES = 2 * MAX_FRAME_BYTES;
const PRIVATE_UMASK = 0o177;
const OTHERS = 0o077;
const OTHERS_WRITE = 0o022;

/** Rejects `config.invalid` for a place where others could put a socket of their own, or where somebody listens. */
export async function serveBroker(
  broker: SamBroker,
  socketPath: string,
  logger: Logger,
): Promise<RunningServer> {
  let client: Socket | undefined;
  const server = createServer((socket) => {
    if (client !== undefined) {
      logger.warn('broker.second-client-refused');
      socket.destroy();
      return;
    }
    client = socket;
    serveClient(broker, socket, logger);
    socket.once('close', () => {
      client = undefined;
      broker.wipe('client-gone').catch((thrown: unknown) => {
        logger.error('broker.wipe-failed', { error: toSekishoError(thrown) });
      });
    });
  });
  await listen(server, socketPath);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        client?.destroy();
      }),
  };
}

function serveClient(broker: SamBroker, socket: Socket, logger: Logger): void {
  const frames = new FrameReader();
  let underWay = 0;
  const send = (message: unknown): void => {
    if (socket.destroyed) return;
    socket.write(encodeFrame(message));
    if (socket.writableLength <= MAX_UNREAD_BYTES) return;
    logger.warn('broker.client-does-not-read', { unreadBytes: socket.writableLength });
    socket.destroy();
  };
  const stopListening = broker.onEvent(send);
  socket.once('close', stopListening);
  socket.on('error', () => socket.destroy());
  const handle = async (message: unknown): Promise<void> => {
    const { id, do: name, ask } = Request.parse(message);
    underWay += 1;
    if (underWay > MAX_UNDER_WAY) throw new RangeError('too many commands at a time');
    try {
      send({ id, answer: await broker.handle(name, ask), meter: broker.meter });
    } catch (thrown) {
      send({ id, error: describe(thrown) });
    } finally {
      underWay -= 1;
    }
  };
  const refuse = (thrown: unknown): void => {
    logger.warn('broker.client-refused', { what: thrown instanceof Error ? thrown.name : 'unknown' });
    socket.destroy();
  };
  socket.on('data', (chunk: Buffer) => {
    try {
      for (const message of frames.push(chunk)) handle(message).catch(refuse);
    } catch (thrown) {
      refuse(thrown);
    }
  });
}

function describe(thrown: unknown): object {
  const { code, field, context } = toSekishoError(thrown);
  const known = Object.entries(context).filter(([, value]) => value !== undefined);
  return { code, context: Object.fromEntries(known), ...(field === undefined ? {} : { field }) };
}

async function listen(server: Server, socketPath: string): Promise<void> {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  if (LISTEN_PID === String(process.pid) && LISTEN_FDS === '1') {
    if ((statSync(socketPath).mode & OTHERS) !== 0) throw badPlace('socket open to others');
    await listening(server, { fd: FIRST_INHERITED });
    return;
  }
  const folder = statSync(dirname(socketPath));
  if (folder.uid !== process.getuid?.() || (folder.mode & OTHERS_WRITE) !== 0)
    throw badPlace('folder open to others');
  await removeStale(socketPath);
  // The file must not be open to others for a single moment.
  const umask = process.umask(PRIVATE_UMASK);
  try {
    await listening(server, { path: socketPath });
  } finally {
    process.umask(umask);
  }
}

function listening(server: Server, where: { fd: number } | { path: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, resolve);
  });
}

/** What a broker left that was killed; never one that lives. */
async function removeStale(socketPath: string): Promise<void> {
  const found = lstatSync(socketPath, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw badPlace('not a socket');
  const probe = connect(socketPath);
  const isAlive = await new Promise<boolean>((resolve) => {
    probe.once('connect', () => resolve(true));
    probe.once('error', () => resolve(false));
  });
  probe.destroy();
  if (isAlive) throw badPlace('another broker listens');
  rmSync(socketPath);
}

function badPlace(what: string): SekishoError {
  return new SekishoError('config.invalid', { field: 'socketPath', context: { what } });
}
