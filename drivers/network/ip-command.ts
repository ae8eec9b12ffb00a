/** Debian's iproute2, which speaks rtnetlink for us: one look at a network card, and a child that tells every change. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { NetworkSight } from '#ports/surroundings.ts';

/** The one in which the anchors are asked. */
export type AddressFamily = 'inet' | 'inet6';

const LOOK_TIMEOUT_MS = 2_000;
const OPTION_OF: Readonly<Record<AddressFamily, string>> = { inet: '-4', inet6: '-6' };

/** What `ip -j` prints, as far as we read it. */
interface LinkRow {
  readonly flags?: readonly string[];
  readonly addr_info?: readonly {
    readonly family?: string;
    readonly local?: string;
    readonly prefixlen?: number;
    readonly temporary?: boolean;
    readonly tentative?: boolean;
    readonly deprecated?: boolean;
  }[];
}
interface RouteRow {
  readonly gateway?: string;
  readonly metric?: number;
}
interface NeighbourRow {
  readonly dst?: string;
  readonly lladdr?: string;
}

/** The rows of an `ip -j` command; none when the device is not there (any more). */
function rows<Row>(...words: readonly string[]): Promise<readonly Row[]> {
  return new Promise((resolve, reject) => {
    execFile('ip', ['-j', ...words], { timeout: LOOK_TIMEOUT_MS }, (error, stdout) => {
      try {
        // Exit code 1: no such device. Anything else means that we do not see.
        if (error !== null && error.code !== 1) throw error;
        const text = stdout.trim();
        resolve(error !== null || text === '' ? [] : (JSON.parse(text) as Row[]));
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}

type AddressRow = NonNullable<LinkRow['addr_info']>[number];

/** Addresses for privacy (RFC 8981), not yet or not any more used: these come and go at home, too. */
function isFixed({ temporary, tentative, deprecated }: AddressRow): boolean {
  return !(temporary || tentative || deprecated);
}

/** Carrier, and the addresses, gateway and its MAC of one family, of one network card, now. */
export async function look(device: string, watched: AddressFamily): Promise<NetworkSight> {
  const option = OPTION_OF[watched];
  const [links, routes, neighbours] = await Promise.all([
    rows<LinkRow>('address', 'show', 'dev', device),
    rows<RouteRow>(option, 'route', 'show', 'default', 'dev', device),
    rows<NeighbourRow>(option, 'neighbour', 'show', 'dev', device),
  ]);
  const [link] = links;
  const addresses = (link?.addr_info ?? []).flatMap((row) => {
    const { family, local, prefixlen } = row;
    return family === watched && local !== undefined && isFixed(row) ? [`${local}/${prefixlen}`] : [];
  });
  const [route] = routes.toSorted((a, b) => (a.metric ?? 0) - (b.metric ?? 0));
  const gateway = route?.gateway;
  return {
    carrier: link?.flags?.includes('LOWER_UP') ?? false,
    addresses: addresses.toSorted(),
    gateway,
    gatewayMac: neighbours.find(({ dst }) => dst === gateway)?.lladdr,
  };
}

export interface Monitor {
  /** Resolves when the kernel sends it events: what happens from then on is told. Rejects when it ended before. */
  readonly listening: Promise<void>;
  stop(): void;
}

const SUBSCRIBE_POLL_MS = 5;

/** `onEnd` is called once, also when it could not be started. */
export function monitor(onLine: (line: string) => void, onEnd: () => void): Monitor {
  // setpriv: it ends with us, however we end.
  const words = ['--pdeathsig', 'KILL', 'ip', '-o', 'monitor', 'label', 'link', 'address', 'route', 'neigh'];
  const child = spawn('setpriv', words, { stdio: ['ignore', 'pipe', 'ignore'] });
  let hasEnded = false;
  const end = (): void => {
    if (!hasEnded) onEnd();
    hasEnded = true;
  };
  child.once('error', end);
  child.once('exit', end);
  createInterface({ input: child.stdout }).on('line', onLine);
  return {
    listening: untilSubscribed(child, () => hasEnded),
    stop() {
      hasEnded = true;
      child.kill('SIGKILL');
    },
  };
}

async function untilSubscribed({ pid }: ChildProcess, hasEnded: () => boolean): Promise<void> {
  while (!hasEnded()) {
    if (pid !== undefined && isSubscribed(pid)) return;
    await new Promise((resolve) => setTimeout(resolve, SUBSCRIBE_POLL_MS));
  }
  throw new Error('ip monitor ended');
}

/** @see proc(5) on net/netlink: protocol 0 is rtnetlink; the groups are a mask, zero until it is bound. */
function isSubscribed(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/net/netlink`, 'latin1')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .some(
        ([, protocol, port, groups]) => protocol === '0' && port === String(pid) && Number(`0x${groups}`) > 0,
      );
  } catch {
    return false;
  }
}
