/**
 * The broker's memory in a folder of its own: `uses.log` has one line for each use of the organisation key, written
 * through to the disk before the key is used; `roster.bin` is the SP's last roster, `permit.json` the carry-out permit. All start
 * with nothing.
 */
import {
  closeSync,
  existsSync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { SekishoError } from '#contract/errors.ts';
import { type BrokerMemory, LEAST_REMEMBERED_USES, type Use } from './use-ledger.ts';

const LINE = /^(\d{1,15}) ([0-9a-f-]{36})$/;
const DAY_MS = 86_400_000;

/** Opens the memory in `folder`, which is made for this user alone. Throws `store.failed` when it cannot be read or written. */
export function openMemoryFile(folder: string): BrokerMemory {
  return storing(() => {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    const usesFile = join(folder, 'uses.log');
    const rosterFile = join(folder, 'roster.bin');
    const permitFile = join(folder, 'permit.json');
    const uses = worthRemembering(readUses(usesFile));
    // Anew at each start: without what is too old, and without a line that a power cut left half written.
    replaceFile(folder, usesFile, Buffer.from(uses.map(lineOf).join('')));
    const log = openSync(usesFile, 'a', 0o600);
    let roster = existsSync(rosterFile) ? new Uint8Array(readFileSync(rosterFile)) : undefined;
    let permit = existsSync(permitFile) ? new Uint8Array(readFileSync(permitFile)) : undefined;
    return {
      uses,
      recordUse: (use) =>
        storing(() => {
          appendWhole(log, Buffer.from(lineOf(use)));
        }),
      get roster() {
        return roster;
      },
      saveRoster: (update) =>
        storing(() => {
          replaceFile(folder, rosterFile, update);
          roster = update.slice();
        }),
      get permit() {
        return permit;
      },
      savePermit: (bytes) =>
        storing(() => {
          if (bytes === undefined) rmSync(permitFile, { force: true });
          else replaceFile(folder, permitFile, bytes);
          permit = bytes?.slice();
        }),
      close: () => closeSync(log),
    };
  });
}

/** Whole and on the disk, or not there: a disk that is full must not leave half a line for the next one to go on. */
function appendWhole(log: number, line: Uint8Array): void {
  const before = fstatSync(log).size;
  try {
    const written = writeSync(log, line);
    if (written !== line.length) throw Object.assign(new Error('short write'), { code: 'ENOSPC' });
    fdatasyncSync(log);
  } catch (thrown) {
    ftruncateSync(log, before);
    throw thrown;
  }
}

function lineOf({ atMs, tapId }: Use): string {
  return `${atMs} ${tapId}\n`;
}

function readUses(file: string): readonly Use[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, 'ascii').split('\n');
  // Not followed by a line end, so it was never acknowledged.
  lines.pop();
  return lines.map((line) => {
    const [, atMs, tapId] = LINE.exec(line) ?? [];
    if (atMs === undefined || tapId === undefined)
      throw new SekishoError('store.failed', { context: { what: 'uses.log' } });
    return { atMs: Number(atMs), tapId };
  });
}

function worthRemembering(uses: readonly Use[]): readonly Use[] {
  const sinceMs = (uses.at(-1)?.atMs ?? 0) - DAY_MS;
  const first = uses.findIndex(({ atMs }) => atMs > sinceMs);
  return uses.slice(Math.max(0, Math.min(first, uses.length - LEAST_REMEMBERED_USES)));
}

/** Whole or not at all, also when the power goes. */
function replaceFile(folder: string, file: string, content: Uint8Array): void {
  const fresh = openSync(`${file}.new`, 'w', 0o600);
  try {
    writeSync(fresh, content);
    fsyncSync(fresh);
  } finally {
    closeSync(fresh);
  }
  renameSync(`${file}.new`, file);
  const directory = openSync(folder, 'r');
  try {
    fsyncSync(directory);
  } finally {
    closeSync(directory);
  }
}

function storing<T>(work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof SekishoError) throw thrown;
    const isFull = (thrown as NodeJS.ErrnoException).code === 'ENOSPC';
    throw new SekishoError(isFull ? 'store.full' : 'store.failed', { cause: thrown });
  }
}
