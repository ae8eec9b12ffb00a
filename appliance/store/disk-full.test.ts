import { execFileSync } from 'node:child_process';
import {
  closeSync,
  createReadStream,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { SekishoError } from '#contract/errors.ts';
import { verifyExport } from '#evidence/verify.ts';
import { openDatabase } from './database.ts';
import { exportEvidence } from './export.ts';
import { openSealer } from './sealer.ts';
import { assembleStore, type Store } from './store.ts';
import { sampleEffects, sampleRecord, visitId } from './testdata/sample-visit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-full-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A place for the database with little room, and how to take and give it. */
interface SmallDisk {
  readonly path: string;
  readonly store: Store;
  fill(): void;
  free(): void;
  unmount(): void;
}

/** SQLite's own limit: works everywhere, but only SQLite notices. */
function limitedPages(): SmallDisk {
  const path = join(folder, 'store.db');
  const database = openDatabase(path);
  return {
    path,
    store: assembleStore(database, openSealer),
    fill: () => void database.pragma(`max_page_count = ${database.pragma('page_count', { simple: true })}`),
    free: () => void database.pragma('max_page_count = 100000'),
    unmount: () => {},
  };
}

/** A real file system of 2 MiB that a ballast file fills to the last byte; undefined when mounting is not permitted. */
function tinyFileSystem(): SmallDisk | undefined {
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', disk], { stdio: 'ignore' });
  } catch {
    return undefined;
  }
  const path = join(disk, 'store.db');
  const ballast = join(disk, 'ballast');
  return {
    path,
    store: assembleStore(openDatabase(path), openSealer),
    fill: () => fillToTheLastByte(ballast),
    free: () => rmSync(ballast),
    unmount: () => execFileSync('umount', [disk]),
  };
}

function fillToTheLastByte(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (thrown) {
    expect(thrown).toMatchObject({ code: 'ENOSPC' });
  } finally {
    closeSync(file);
  }
}

async function appendUntilRefused(store: Store): Promise<{ last: number; error: SekishoError }> {
  for (;;) {
    const number = (store.ledger.head()?.seq ?? 0) + 1;
    try {
      await store.ledger.append(sampleRecord(number), { effects: sampleEffects(number) });
    } catch (error) {
      return { last: number - 1, error: error as SekishoError };
    }
  }
}

async function scenario(disk: SmallDisk): Promise<void> {
  const { store, path } = disk;
  await store.ledger.append(sampleRecord(1), { effects: sampleEffects(1) });
  disk.fill();
  const { last, error } = await appendUntilRefused(store);
  expect(error).toMatchObject({ code: 'store.full' });
  expect(store.ledger.head()?.seq).toBe(last);
  expect(store.visits.visit(visitId(last + 1))).toBeUndefined();
  expect(store.visits.outboxWaiting()).toBe(last);
  expect(await appendUntilRefused(store)).toMatchObject({ last, error: { code: 'store.full' } });

  disk.free();
  const next = last + 1;
  const receipt = await store.ledger.append(sampleRecord(next), { effects: sampleEffects(next) });
  expect(receipt.seq).toBe(next);
  expect(store.integrityProblem()).toBeUndefined();
  const out = join(folder, 'out.txt');
  exportEvidence(path, out);
  expect(await verifyExport(createReadStream(out))).toMatchObject({ ok: true, entries: next, head: receipt });
}

test.each([
  ['of SQLite pages', limitedPages],
  ['of a real file system', () => tinyFileSystem() ?? limitedPages()],
])(
  'on a full disk (%s) nothing is acknowledged, nothing breaks, and all works again after',
  async (_what, open) => {
    const disk = open();
    try {
      await scenario(disk);
    } finally {
      await disk.store.close();
      disk.unmount();
    }
  },
);

test('an export onto a full disk leaves no file', async () => {
  const disk = tinyFileSystem();
  const target = disk === undefined ? '/dev/full' : join(folder, 'disk', 'out.txt');
  const source = limitedPages();
  await source.store.ledger.append(sampleRecord(1));
  try {
    disk?.fill();
    // Where mounting is not permitted, a folder that is none still shows that a failed export leaves nothing.
    const out = disk === undefined ? join(target, 'out.txt') : target;
    expect(() => exportEvidence(source.path, out)).toThrow(
      expect.objectContaining({ code: disk === undefined ? 'store.failed' : 'store.full' }),
    );
    if (disk !== undefined)
      expect(readdirSync(join(folder, 'disk')).filter((name) => name.includes('out'))).toEqual([]);
  } finally {
    await source.store.close();
    await disk?.store.close();
    disk?.unmount();
  }
});
