/** A small file that comes as a whole, so that a reader (or a power cut) sees the old or the new one. */
import {
  closeSync,
  fchownSync,
  fsyncSync,
  linkSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

export function replaceFile(file: string, value: unknown): void {
  renameSync(writeDraft(file, `${JSON.stringify(value, null, 2)}\n`), file);
}

/** Makes a file unless there is one already; whoever reads it finds nothing, or all of it. */
export function createFile(file: string, text: string): void {
  const draft = writeDraft(file, text);
  try {
    linkSync(draft, file);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EEXIST') throw thrown;
  } finally {
    unlinkSync(draft);
  }
}

/** Answers where the text is, on the disk and readable for its owner alone. */
function writeDraft(file: string, text: string): string {
  const draft = `${file}.${process.pid}.new`;
  const handle = openSync(draft, 'w', 0o600);
  try {
    writeSync(handle, text);
    fsyncSync(handle);
    // What an administrator writes a service user reads: it belongs to whoever owns the folder.
    const { uid, gid } = statSync(dirname(file));
    if (process.getuid?.() === 0) fchownSync(handle, uid, gid);
  } finally {
    closeSync(handle);
  }
  return draft;
}

/** Undefined when there is none. */
export function readReplacedFile(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** Changes whenever the file was replaced. */
export function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false, bigint: true });
  return stat === undefined ? '' : `${stat.ino} ${stat.mtimeNs} ${stat.size}`;
}
