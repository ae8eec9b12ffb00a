/**
 * What a process has in its memory now, as its core file would hold it: every readable byte that is not a page of a file. Read
 * through /proc, because a core of a process with WebAssembly in it has gigabytes of reserved nothing, and Node 24 maps half a
 * gigabyte for compiled code.
 */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, readSync } from 'node:fs';
import { basename } from 'node:path';
import type { Canary } from './canary.ts';

/** Of one page in /proc/pid/pagemap. */
const ENTRY_BYTES = 8;
const PRESENT_OR_SWAPPED = 0xc0;
const PAGE_BYTES = Number(execFileSync('getconf', ['PAGESIZE'], { encoding: 'utf8' }));

export interface Hit {
  readonly what: string;
  readonly count: number;
}

/** The process and those that it started and that stay: a command that it runs for a moment is none of them. */
export function familyOf(pid: number): number[] {
  return [pid, ...childrenNamed(pid, 'node').flatMap(familyOf)];
}

/** Children of any of its threads that run a program whose name begins so. */
export function childrenNamed(pid: number, name: string): number[] {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
  return children.filter((child) => nameOf(child).startsWith(name));
}

/** Of the program's file: Node 24 calls its main thread, which is what /proc/pid/comm tells, otherwise. */
function nameOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    // It has ended meanwhile.
    return '';
  }
}

/** kB of it that are in swap. */
export function swappedKb(pid: number): number {
  // One that has just ended has no memory at all.
  return Number(/^VmSwap:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
}

/** How often each mark is there. */
export function searchMemory(memory: readonly Buffer[], marks: readonly Canary[]): Hit[] {
  const countIn = (form: Buffer): number => memory.reduce((sum, region) => sum + countOf(region, form), 0);
  return marks.map(({ what, forms }) => ({
    what,
    count: forms.reduce((sum, form) => sum + countIn(form), 0),
  }));
}

/** Needs root. The process stands still only while it is copied: others wait for it. */
export function copyMemory(pid: number): Buffer[] {
  process.kill(pid, 'SIGSTOP');
  const memory = openSync(`/proc/${pid}/mem`, 'r');
  try {
    return touchedRegionsOf(pid).flatMap(({ start, bytes }) => {
      const content = Buffer.alloc(bytes);
      return readWhole(memory, content, start) === 0 ? [] : [content];
    });
  } finally {
    closeSync(memory);
    process.kill(pid, 'SIGCONT');
  }
}

interface Region {
  readonly start: bigint;
  readonly bytes: number;
}

/** Without the pages that were never written: there is nothing in them. @see proc(5), /proc/pid/pagemap */
function touchedRegionsOf(pid: number): Region[] {
  const pagemap = openSync(`/proc/${pid}/pagemap`, 'r');
  try {
    return regionsOf(pid).flatMap(({ start, bytes }) => {
      const entries = Buffer.alloc((bytes / PAGE_BYTES) * ENTRY_BYTES);
      readWhole(pagemap, entries, (start / BigInt(PAGE_BYTES)) * BigInt(ENTRY_BYTES));
      return runsOf(entries).map(({ first, pages }) => ({
        start: start + BigInt(first * PAGE_BYTES),
        bytes: pages * PAGE_BYTES,
      }));
    });
  } finally {
    closeSync(pagemap);
  }
}

/** Neighbouring pages that are in memory or in swap. */
function runsOf(entries: Buffer): { readonly first: number; readonly pages: number }[] {
  const runs: { first: number; pages: number }[] = [];
  for (let page = 0; page * ENTRY_BYTES < entries.length; page += 1) {
    const flags = entries[(page + 1) * ENTRY_BYTES - 1] ?? 0;
    const last = runs.at(-1);
    if ((flags & PRESENT_OR_SWAPPED) === 0) continue;
    if (last !== undefined && last.first + last.pages === page) last.pages += 1;
    else runs.push({ first: page, pages: 1 });
  }
  return runs;
}

/** @see proc(5), /proc/pid/maps */
function regionsOf(pid: number): Region[] {
  const lines = readFileSync(`/proc/${pid}/maps`, 'utf8').trim().split('\n');
  return lines.flatMap((line) => {
    const [, from = '', to = '', inode, name = ''] =
      /^([\da-f]+)-([\da-f]+) r\S+ \S+ \S+ (\d+) *(.*)$/.exec(line) ?? [];
    const isOwn = inode === '0' && !['[vvar]', '[vsyscall]'].includes(name);
    const start = BigInt(`0x${from || '0'}`);
    return isOwn ? [{ start, bytes: Number(BigInt(`0x${to}`) - start) }] : [];
  });
}

/** Pages that cannot be read stay zero. */
function readWhole(memory: number, content: Buffer, start: bigint): number {
  let done = 0;
  try {
    while (done < content.length) {
      const read = readSync(memory, content, done, content.length - done, start + BigInt(done));
      if (read === 0) break;
      done += read;
    }
  } catch {
    // A guard page: what was read before it counts.
  }
  return done;
}

function countOf(content: Buffer, form: Buffer): number {
  let count = 0;
  for (let at = content.indexOf(form); at >= 0; at = content.indexOf(form, at + form.length)) count += 1;
  return count;
}
