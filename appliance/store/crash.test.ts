import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { verifyChain } from '#evidence/testdata/chain-verdict.ts';
import { openDatabase } from './database.ts';
import { visitId } from './testdata/sample-visit.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '..', '..');
const folder = mkdtempSync(join(tmpdir(), 'sekisho-crash-'));
const path = join(folder, 'store.db');
const program = join(folder, 'child.cjs');

beforeAll(async () => {
  // A killed process must be a real one; it runs our sources, bundled because Node 20 reads no TypeScript.
  await build({
    entryPoints: [join(here, 'testdata', 'crash-child.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['better-sqlite3'],
    absWorkingDir: root,
    logLevel: 'error',
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Starts the child and kills it while it works on an entry after the `acks`-th; answers what it acknowledged. */
async function appendUntilKilled(acks: number, delayUs: number): Promise<string[]> {
  const child: ChildProcess = spawn(process.execPath, [program, path], {
    env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const gone = once(child, 'close');
  const acknowledged: string[] = [];
  for await (const line of createInterface({ input: child.stdout! })) {
    acknowledged.push(line);
    if (acknowledged.length !== acks) continue;
    // The child works on meanwhile: a busy wait of some microseconds puts the kill anywhere in an append.
    const until = performance.now() + delayUs / 1000;
    while (performance.now() < until);
    child.kill('SIGKILL');
  }
  await gone;
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

interface Row {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: string;
  readonly stamp: string;
}

test('killed at random points of 200 visits, nothing acknowledged is lost and all of it hangs together', async () => {
  const acknowledged: string[] = [];
  let kills = 0;
  for (let random = 1; acknowledged.length < 200; random = (random * 48_271) % 0x7fff_ffff) {
    acknowledged.push(...(await appendUntilKilled(1 + (random % 20), random % 1_500)));
    kills += 1;
    const store = openUnsealedStore(path);
    const head = store.ledger.head();
    expect(head?.seq).toBeGreaterThanOrEqual(Number(acknowledged.at(-1)?.split(' ')[0]));
    expect(store.outbox.waiting()).toBe(head?.seq);
    expect(store.visits.visit(visitId(head?.seq ?? 0))?.evidence).toEqual(head);
    await store.close();
  }
  expect(kills).toBeGreaterThan(10);
  const database = openDatabase(path);
  const rows = database.prepare<[], Row>('SELECT * FROM entry ORDER BY seq').all();
  const count = (sql: string): unknown => database.prepare(sql).pluck().get();
  expect(
    verifyChain(rows.map(({ hash, canonical }) => ({ hash, canonical: Buffer.from(canonical) }))).ok,
  ).toBe(true);
  expect(rows.every(({ stamp, hash }) => stamp.endsWith(hash))).toBe(true);
  const onDisk = new Set(rows.map(({ seq, hash }) => `${seq} ${hash}`));
  expect(acknowledged.filter((line) => !onDisk.has(line))).toEqual([]);
  expect(new Set(acknowledged).size).toBe(acknowledged.length);
  expect(count('SELECT count(*) FROM visit JOIN outbox USING (visit_id)')).toBe(rows.length);
  expect(count('PRAGMA integrity_check')).toBe('ok');
  database.close();
});
