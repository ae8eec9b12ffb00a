/**
 * A pcscd of our own with virtual slots, beside whatever pcscd the machine runs.
 *
 * pcscd has no option for its socket path, but takes a listening socket as a systemd service does (LISTEN_FDS), and
 * clients follow PCSCLITE_CSOCK_NAME. libpcsclite remembers that path from the first call of a process on
 * (`getSocketName`), so `restart()` keeps it. Our own readers take it as an option.
 *
 * It runs as nobody, so it can neither claim a real USB reader nor write /run/pcscd/pcscd.pid of the system's
 * pcscd, and it dies with this process.
 *
 * @see https://www.freedesktop.org/software/systemd/man/sd_listen_fds.html
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { SekishoError } from '#contract/errors.ts';
import { readPcscdReaders } from './pcscd-protocol.ts';
import { setNoDelayOnListeners } from './vpcd-no-delay.ts';

const PCSCD = '/usr/sbin/pcscd';
const VPCD_DRIVER = '/usr/lib/pcsc/drivers/serial/libifdvpcd.so';
const SYSTEM_RUN_FOLDER = '/run/pcscd';
const START_POLL_MS = 5;
const START_TIMEOUT_MS = 10_000;
const PORT_ATTEMPTS = 5;

/**
 * Binds the socket, hands it over as descriptor 3 under its own pid, and becomes pcscd. A shell cannot bind a Unix
 * socket and Node cannot keep a pid across exec; perl-base and util-linux are in every Debian.
 */
const LAUNCHER = `
use Socket; use POSIX ();
my ($path, @daemon) = @ARGV;
$^F = 255;
socket(my $socket, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
bind($socket, pack_sockaddr_un($path)) or die "bind $path: $!";
listen($socket, SOMAXCONN) or die "listen: $!";
POSIX::dup2(fileno($socket), 3) or die "dup2: $!";
$ENV{LISTEN_FDS} = 1;
$ENV{LISTEN_PID} = $$;
exec @daemon or die "exec: $!";
`;

/** The folder with reader.conf, inherited as a descriptor: readable for nobody wherever it lies. */
const CONFIG_FOLDER = '/proc/self/fd/4';

export interface PrivatePcscdOptions {
  /** A folder of the caller's own; the socket and the configuration go there. */
  readonly folder: string;
  /** One virtual reader each, named `Sekisho Virtual <slot> …`. */
  readonly slots?: readonly string[];
}

export interface PrivatePcscd {
  /** The value for PCSCLITE_CSOCK_NAME. */
  readonly socketPath: string;
  /** Where a virtual card connects by TCP, one per slot, in the order of `slots`. */
  readonly vpcdPorts: readonly number[];
  /** Names as PC/SC lists them, in the order of `slots`. */
  readonly readerNames: readonly string[];
  /** Ends pcscd if it still runs and starts it again at the same socket and ports, with all slots or those named. */
  restart(slots?: readonly string[]): Promise<void>;
  /** Ends pcscd and removes its files. */
  stop(): Promise<void>;
  /** Kills pcscd at once and leaves it down, as a crash would. */
  kill(): Promise<void>;
}

/** True when the Debian packages pcscd and vsmartcard-vpcd are here. */
export function isPrivatePcscdAvailable(): boolean {
  return existsSync(PCSCD) && existsSync(VPCD_DRIVER) && existsSync('/usr/bin/perl');
}

interface Slot {
  readonly name: string;
  readonly port: number;
}

export async function startPrivatePcscd({
  folder,
  slots: names = ['PICC', 'SAM'],
}: PrivatePcscdOptions): Promise<PrivatePcscd> {
  const home = join(folder, 'pcscd');
  const socketPath = join(home, 'pcscd.comm');
  await mkdir(join(home, 'conf/drivers'), { recursive: true });
  await Promise.all(names.map((name) => copyFile(VPCD_DRIVER, join(home, driverFile(name)))));
  if (process.getuid?.() === 0) await mkdir(SYSTEM_RUN_FOLDER, { recursive: true });

  const { slots, daemon: first } = await startOnFreePorts(home, socketPath, names);
  let daemon = first;
  return {
    socketPath,
    vpcdPorts: slots.map((slot) => slot.port),
    readerNames: slots.map(readerName),
    restart: async (remaining = names) => {
      await end(daemon, 'SIGTERM');
      const chosen = slots.filter((slot) => remaining.includes(slot.name));
      const restarted = await startDaemon(home, socketPath, chosen);
      if (!restarted)
        throw new SekishoError('reader.unreachable', { context: { reason: 'vpcd-port-taken' } });
      daemon = restarted;
    },
    stop: async () => {
      await end(daemon, 'SIGTERM');
      await rm(home, { recursive: true, force: true });
    },
    kill: () => end(daemon, 'SIGKILL'),
  };
}

async function startOnFreePorts(home: string, socketPath: string, names: readonly string[]) {
  for (let attempt = 0; attempt < PORT_ATTEMPTS; attempt++) {
    const slots: Slot[] = [];
    for (const name of names) slots.push({ name, port: await findFreePortPair() });
    const daemon = await startDaemon(home, socketPath, slots);
    if (daemon) return { slots, daemon };
  }
  throw new SekishoError('reader.unreachable', { context: { reason: 'no-free-port' } });
}

/** Undefined when a port was taken in the meantime. */
async function startDaemon(home: string, socketPath: string, slots: readonly Slot[]) {
  await rm(socketPath, { force: true });
  await writeFile(join(home, 'conf/reader.conf'), slots.map(encodeReaderEntry).join('\n'));
  const daemon = await launch(home, socketPath);
  try {
    const listed = await waitUntilAnswering(daemon, socketPath);
    if (slots.every((slot) => listed.includes(readerName(slot)))) {
      await setNoDelayOnListeners(daemon.pid ?? 0);
      return daemon;
    }
  } catch (cause) {
    await end(daemon, 'SIGKILL');
    throw new SekishoError('reader.unreachable', { cause, context: { reason: 'pcscd-start' } });
  }
  await end(daemon, 'SIGTERM');
  return undefined;
}

async function launch(home: string, socketPath: string): Promise<ChildProcess> {
  const config = await open(join(home, 'conf'), 'r');
  try {
    const asNobody = process.getuid?.() === 0 ? ['--reuid=65534', '--regid=65534', '--clear-groups'] : [];
    const daemon = [
      '/usr/bin/setpriv',
      '--pdeathsig=SIGTERM',
      ...asNobody,
      PCSCD,
      '--foreground',
      '-c',
      CONFIG_FOLDER,
    ];
    const child = spawn('/usr/bin/perl', ['-e', LAUNCHER, socketPath, ...daemon], {
      stdio: ['ignore', 'ignore', 'ignore', 'ignore', config.fd],
    });
    await once(child, 'spawn');
    return child;
  } finally {
    await config.close();
  }
}

/** Resolves with the reader names once pcscd answers; its virtual readers are set up before it listens. */
async function waitUntilAnswering(daemon: ChildProcess, socketPath: string): Promise<string[]> {
  const gaveUp = new AbortController();
  const onExit = (): void => gaveUp.abort(new Error('pcscd ended'));
  const timer = setTimeout(() => gaveUp.abort(new Error('pcscd does not answer')), START_TIMEOUT_MS);
  daemon.once('exit', onExit);
  try {
    for (;;) {
      gaveUp.signal.throwIfAborted();
      const readers = existsSync(socketPath)
        ? await readPcscdReaders(socketPath, gaveUp.signal).catch(retryWhileRefused)
        : undefined;
      if (readers) return readers;
      await new Promise((resolve) => setTimeout(resolve, START_POLL_MS));
    }
  } finally {
    clearTimeout(timer);
    daemon.off('exit', onExit);
  }
}

/** Between bind and listen the socket exists but refuses. */
function retryWhileRefused(thrown: unknown): undefined {
  if ((thrown as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw thrown;
}

async function end(daemon: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (daemon.exitCode !== null || daemon.signalCode !== null) return;
  const exited = once(daemon, 'exit');
  daemon.kill(signal);
  await exited;
}

/** vpcd takes the port named and the next one, for its second slot, which stays empty here. */
function encodeReaderEntry(slot: Slot): string {
  return [
    `FRIENDLYNAME "Sekisho Virtual ${slot.name}"`,
    `DEVICENAME /dev/null:${slot.port}`,
    `LIBPATH ${CONFIG_FOLDER}/${driverFile(slot.name).slice('conf/'.length)}`,
    `CHANNELID ${slot.port}`,
    '',
  ].join('\n');
}

/** vpcd keeps its sockets in globals, so every reader loads a copy of its own. */
function driverFile(slotName: string): string {
  return `conf/drivers/vpcd-${slotName}.so`;
}

/** pcscd appends the numbers of the reader (among those of one name) and of the slot. */
function readerName(slot: Slot): string {
  return `Sekisho Virtual ${slot.name} 00 00`;
}

async function findFreePortPair(): Promise<number> {
  for (;;) {
    const first = await listen(0);
    const port = portOf(first);
    const second = await listen(port + 1).catch(() => undefined);
    await Promise.all([close(first), second && close(second)]);
    if (second) return port;
  }
}

async function listen(port: number): Promise<Server> {
  const server = createServer().listen(port, '0.0.0.0');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}
