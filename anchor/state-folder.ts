/** The folder in which an anchor keeps key and lists. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/** The folder cannot be made, read or written; the message says why. */
export class UnusableFolder extends Error {
  override readonly name = 'UnusableFolder';
  readonly folder: string;

  constructor(folder: string, cause: Error) {
    super(cause.message, { cause });
    this.folder = folder;
  }
}

/**
 * Makes `folder`, for its owner alone, and what is missing above it. `mkdirSync(…, { recursive: true })` never returns where
 * a parent is there and the system yet says ENOENT, as `/proc` does: Node then makes the parent again, for ever.
 */
export function makeFolder(folder: string): void {
  const place = resolve(folder);
  if (isFolder(place)) return;
  const parent = dirname(place);
  if (parent !== place) makeFolder(parent);
  try {
    mkdirSync(place, { mode: 0o700 });
  } catch (thrown) {
    // Of two that make it at once, one finds it made.
    if (!isFolder(place)) throw thrown;
  }
}

/** Carries out `work`; what the system refuses of it is told with the folder. */
export function inFolder<Result>(folder: string, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (thrown instanceof Error && 'syscall' in thrown) throw new UnusableFolder(folder, thrown);
    throw thrown;
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}
