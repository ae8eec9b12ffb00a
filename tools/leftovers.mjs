/** Finds the processes that a run of the checks started and nobody ended, by a mark in their environment. */
import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';

const NAME = 'SEKISHO_CHECK_RUN';
const VALUE = `${process.pid}-${Date.now()}`;
/** Long enough for a browser or a pcscd that was told to end. */
const GRACE_MS = 5_000;
const POLL_MS = 100;

/** What the children of this run carry in their environment, and their children after them. */
export const MARK = { [NAME]: VALUE };

/** A file of /proc, empty when the process has ended or belongs to somebody else. */
function readProc(pid, file) {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch {
    return '';
  }
}

/** Every process that carries the mark: `{ pid, command }`. */
export function findLeftovers() {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readProc(pid, 'environ').split('\0').includes(`${NAME}=${VALUE}`))
    .map((pid) => ({ pid: Number(pid), command: readProc(pid, 'cmdline').replaceAll('\0', ' ') }));
}

/** Those that are still there after a moment of grace. */
export async function waitForLeftovers() {
  const deadlineMs = Date.now() + GRACE_MS;
  let leftovers = findLeftovers();
  while (leftovers.length > 0 && Date.now() < deadlineMs) {
    await wait(POLL_MS);
    leftovers = findLeftovers();
  }
  return leftovers;
}

export function endLeftovers(leftovers) {
  for (const { pid } of leftovers) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch (thrown) {
      if (thrown.code !== 'ESRCH') throw thrown;
    }
  }
}
