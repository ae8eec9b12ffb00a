import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import type { StoreEffect } from '#evidence/ledger.ts';
import { type ChainVerdict, verifyChain } from '#evidence/testdata/chain-verdict.ts';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { type Database, openDatabase } from './database.ts';
import type { Store } from './store.ts';
import { sampleEffects, sampleRecord, sampleVisit, visitId } from './testdata/sample-visit.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

let folder: string;
let path: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-ledger-'));
  path = join(folder, 'store.db');
  store = openUnsealedStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Row {
  readonly seq: number;
  readonly hash: string;
  readonly canonical: string;
  readonly stamp: string | null;
}

function withDatabase<Result>(work: (database: Database) => Result): Result {
  const database = openDatabase(path);
  try {
    return work(database);
  } finally {
    database.close();
  }
}

function rows(): Row[] {
  return withDatabase((database) => database.prepare<[], Row>('SELECT * FROM entry ORDER BY seq').all());
}

function chainOfRows(): ChainVerdict {
  return verifyChain(rows().map(({ hash, canonical }) => ({ hash, canonical: Buffer.from(canonical) })));
}

describe('the ledger', () => {
  test('numbers entries from 1, links them, and goes on after a restart', async () => {
    expect(store.ledger.head()).toBeUndefined();
    expect(await store.ledger.append(sampleRecord(1))).toMatchObject({ seq: 1 });
    const second = await store.ledger.append(sampleRecord(2));
    expect(store.ledger.head()).toEqual(second);
    await store.close();
    store = openUnsealedStore(path);
    expect(store.ledger.head()).toEqual(second);
    const third = await store.ledger.append(sampleRecord(3));
    expect(chainOfRows()).toEqual({ ok: true, head: third });
  });

  test('writes strictly one after another, however slow a stamp is', async () => {
    const sam = new ScriptedSam();
    const releases: (() => void)[] = [];
    const started: number[] = [];
    const appends = [1, 2, 3].map((number) =>
      store.ledger.append(sampleRecord(number), {
        stamp: async (digest) => {
          started.push(number);
          await new Promise<void>((resolve) => releases.push(resolve));
          return sam.stamp(digest);
        },
      }),
    );
    for (const number of [1, 2, 3]) {
      while (releases.length < number) await new Promise(setImmediate);
      expect(started).toHaveLength(number);
      expect(rows()).toHaveLength(number - 1);
      releases[number - 1]?.();
    }
    expect((await Promise.all(appends)).map(({ seq }) => seq)).toEqual([1, 2, 3]);
    expect(chainOfRows().ok).toBe(true);
  });

  test('commits the stamp and the effects with the entry, and tells the effects its number', async () => {
    const sam = new ScriptedSam();
    const receipt = await store.ledger.append(sampleRecord(1), {
      stamp: sam.stamper,
      effects: sampleEffects(1),
    });
    expect(rows()[0]?.stamp).toContain(receipt.hash);
    expect(store.visits.visit(visitId(1))?.evidence).toEqual(receipt);
    expect(store.outbox.due(0, 9)[0]?.record.evidence).toEqual(receipt);
  });

  const failures: [string, string, Parameters<Store['ledger']['append']>[1]][] = [
    ['the stamp is refused', 'sam.absent', { stamp: () => Promise.reject(new SekishoError('sam.absent')) }],
    [
      'the SAM stamped something else',
      'sam.failed',
      { stamp: (digest) => Promise.resolve(new ScriptedSam().stamp(digest.map((byte) => byte ^ 1))) },
    ],
    [
      'the effects throw',
      'internal.bug',
      {
        effects: () => {
          throw new SekishoError('internal.bug');
        },
      },
    ],
    [
      'an effect breaks a rule of the tables',
      'store.failed',
      {
        effects: (): StoreEffect[] => [
          { do: 'put-visit', visit: sampleVisit(9) },
          {
            do: 'open-question',
            visitId: visitId(404),
            question: 'eligibility',
            reason: 'centre.timeout',
            openedAtMs: 0,
          },
        ],
      },
    ],
  ];
  test.each(failures)(
    'when %s, nothing at all is written and the next entry takes the number',
    async (_why, code, options) => {
      const { hash } = await store.ledger.append(sampleRecord(1));
      await expect(store.ledger.append(sampleRecord(2), options)).rejects.toMatchObject({ code });
      expect(store.ledger.head()).toEqual({ seq: 1, hash });
      expect(rows()).toHaveLength(1);
      expect(store.visits.visit(visitId(9))).toBeUndefined();
      const next = await store.ledger.append(sampleRecord(3));
      expect(next.seq).toBe(2);
      expect(chainOfRows().ok).toBe(true);
    },
  );

  test('a record without canonical form is refused before the SAM is asked', async () => {
    const sam = new ScriptedSam();
    const record = { ...sampleRecord(1), version: 0.5 } as never;
    await expect(store.ledger.append(record, { stamp: sam.stamper })).rejects.toMatchObject({
      code: 'internal.bug',
    });
    expect(sam.stamps).toBe(0);
  });

  test('entries can be neither changed nor removed, not even by SQL', async () => {
    await store.ledger.append(sampleRecord(1));
    withDatabase((database) => {
      expect(() => database.exec(`UPDATE entry SET hash = 'x'`)).toThrow('append-only');
      expect(() => database.exec('DELETE FROM entry')).toThrow('append-only');
    });
  });

  test('a damaged newest entry stops the opening', async () => {
    await store.ledger.append(sampleRecord(1));
    await store.close();
    withDatabase((database) => {
      database.exec('DROP TRIGGER entry_is_never_changed');
      database.exec(`UPDATE entry SET canonical = replace(canonical, 'clerk-1', 'clerk-2')`);
    });
    expect(() => openUnsealedStore(path)).toThrow(expect.objectContaining({ code: 'evidence.broken' }));
    rmSync(path);
    store = openUnsealedStore(path);
  });

  test('closing waits for the append under way', async () => {
    const sam = new ScriptedSam();
    const append = store.ledger.append(sampleRecord(1), {
      stamp: (digest) => new Promise((resolve) => setImmediate(() => resolve(sam.stamp(digest)))),
    });
    await store.close();
    expect((await append).seq).toBe(1);
    store = openUnsealedStore(path);
    expect(store.ledger.head()?.seq).toBe(1);
  });
});
