/** Whoever writes the disk while the SAM is locked, and the letterbox that he wants to be written into. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashEntry } from '#evidence/entry.ts';
import type { AppendOptions } from '#evidence/ledger.ts';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { type Database, openDatabase } from './database.ts';
import { makeLetterboxKeys } from './letterbox.ts';
import { openSealedStore, type SealedStore } from './store.ts';
import { sampleRecord, sampleVisit, visitId } from './testdata/sample-visit.ts';
import { WrappingSam } from './testdata/wrapping-sam.ts';

const SAM = new WrappingSam('0102030405060708');
const neverRewrap = (): never => {
  throw new Error('no SAM was exchanged');
};

let folder: string;
let path: string;
let device: ScriptedSam;
let store: SealedStore;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-letterbox-'));
  path = join(folder, 'store.db');
  device = new ScriptedSam();
  store = openSealedStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As the gateway does it, with the SAM unlocked. */
async function open(stamped: AppendOptions = { stamp: device.stamper }): Promise<void> {
  store.vault.proveLetterbox(device.keys.publicKey);
  const { keyId, unnamedLetterboxKey: letterboxKey } = await store.vault.open(SAM, neverRewrap);
  if (letterboxKey === undefined) return;
  const record = { kind: 'data-key', at: '2026-11-20T00:00:00.000Z', keyId, letterboxKey } as const;
  await store.ledger.append(
    { ...record, event: 'letterbox-named' },
    {
      ...stamped,
      effects: ({ seq }) => [{ do: 'name-letterbox', entry: seq }],
    },
  );
}

/** The program ends, somebody has the disk for a while, and it starts again. */
async function meanwhile(work: (database: Database) => void): Promise<void> {
  await store.close();
  const database = openDatabase(path);
  work(database);
  database.close();
  store = openSealedStore(path);
}

const write = (number: number): Promise<unknown> =>
  store.ledger.append(sampleRecord(number), {
    effects: () => [{ do: 'put-visit', visit: sampleVisit(number) }],
  });
const refusal = (code: string): object => expect.objectContaining({ code });
const lettersIn = (database: Database): number =>
  database
    .prepare("SELECT count(*) FROM visit WHERE hex(substr(sealed_visit, 1, 1)) = '02'")
    .pluck()
    .get() as number;

const entryOf = (database: Database): string =>
  database.prepare('SELECT canonical FROM entry WHERE seq = 1').pluck().get() as string;

function swap(database: Database): void {
  database.prepare('UPDATE letterbox SET public_key = ?').run(makeLetterboxKeys().publicKey);
}

describe('a letterbox', () => {
  test('takes letters after a restart, as soon as the SAM is there that vouches for it', async () => {
    await open();
    await meanwhile(() => {});
    await expect(write(1)).rejects.toEqual(refusal('sam.locked'));
    store.vault.proveLetterbox(device.keys.publicKey);
    await write(1);
    await open();
    expect(store.visits.visit(visitId(1))?.visitId).toBe(visitId(1));
  });

  test('that was replaced is not written into, and opens nothing any more', async () => {
    await open();
    await meanwhile(swap);
    expect(() => store.vault.proveLetterbox(device.keys.publicKey)).toThrow(
      refusal('store.letterbox-replaced'),
    );
    await expect(write(1)).rejects.toEqual(refusal('store.letterbox-replaced'));
    expect(store.ledger.head()?.seq).toBe(1);
    await expect(open()).rejects.toEqual(refusal('store.letterbox-replaced'));
    // Also for a caller that proves nothing: the private key is another one's.
    await expect(store.vault.open(SAM, neverRewrap)).rejects.toEqual(refusal('store.letterbox-replaced'));
    expect(store.vault.isOpen).toBe(false);
    await meanwhile((database) => expect(lettersIn(database)).toBe(0));
  });

  test('that is put right by what the evidence says works again', async () => {
    await open();
    await meanwhile((database) => {
      swap(database);
      const [, letterboxKey] = /"letterboxKey":"([0-9a-f]{64})"/.exec(entryOf(database)) ?? [];
      database.exec(`UPDATE letterbox SET public_key = X'${letterboxKey}'`);
    });
    await open();
    store.vault.close();
    await write(1);
    await open();
    expect(store.visits.visit(visitId(1))?.visitId).toBe(visitId(1));
  });

  test.each<[string, (database: Database) => void]>([
    ['no entry names', (database) => void database.exec('UPDATE letterbox SET named_in = NULL')],
    [
      'an entry names that is not there',
      (database) => void database.exec('UPDATE letterbox SET named_in = 99'),
    ],
    ['another entry shall name', (database) => void database.exec('UPDATE letterbox SET named_in = 2')],
  ])('that %s takes no letters until the SAM was open', async (_what, work) => {
    await open();
    store.vault.close();
    await store.ledger.append(sampleRecord(2), { stamp: device.stamper });
    await meanwhile(work);
    store.vault.proveLetterbox(device.keys.publicKey);
    await expect(write(3)).rejects.toEqual(refusal('sam.locked'));
    await open();
    store.vault.close();
    await write(3);
    await meanwhile(() => {});
    store.vault.proveLetterbox(device.keys.publicKey);
    await write(4);
  });

  test.each<[string, AppendOptions]>([
    ['nobody stamped', {}],
    ['another SAM stamped', { stamp: new ScriptedSam().stamper }],
  ])('that an entry names which %s takes no letters', async (_what, stamped) => {
    await open(stamped);
    await meanwhile(() => {});
    store.vault.proveLetterbox(device.keys.publicKey);
    await expect(write(1)).rejects.toEqual(refusal('sam.locked'));
  });
});

test('somebody who writes an entry of his own into the chain is not believed', async () => {
  await open();
  await meanwhile((database) => {
    const { publicKey } = makeLetterboxKeys();
    const letterboxKey = Buffer.from(publicKey).toString('hex');
    const forged = entryOf(database).replace(/(?<="letterboxKey":")[0-9a-f]+/, letterboxKey);
    database.exec('DROP TRIGGER entry_is_never_changed');
    database.prepare('UPDATE entry SET canonical = ?, hash = ?').run(forged, hashEntry(forged));
    database.prepare('UPDATE letterbox SET public_key = ?').run(publicKey);
  });
  store.vault.proveLetterbox(device.keys.publicKey);
  await expect(write(1)).rejects.toEqual(refusal('sam.locked'));
});
