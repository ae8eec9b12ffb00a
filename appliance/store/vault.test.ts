import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase, prepare } from './database.ts';
import { openSlot } from './letterbox.ts';
import { openSealedStore, SEALED_COLUMNS, type SealedStore, type Store } from './store.ts';
import { INSURED, sampleAnswer, sampleRecord, sampleVisit, visitId } from './testdata/sample-visit.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';
import { WrappingSam } from './testdata/wrapping-sam.ts';

let folder: string;
let path: string;
const opened: Store[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-vault-'));
  path = join(folder, 'store.db');
});
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const SAM = new WrappingSam('0102030405060708');
const CARD_ID = 'R1-TEST';
const SECRETS = ['病院 太郎', '1234567', 'P-0042', '架空', 'd5'.repeat(32)];
const neverRewrap = (): never => {
  throw new Error('no SAM was exchanged');
};

function sealed(): SealedStore {
  const store = openSealedStore(path);
  opened.push(store);
  return store;
}

async function openVault(sam = SAM): Promise<SealedStore> {
  const store = sealed();
  await store.vault.open(sam, neverRewrap);
  return store;
}

async function fill(store: Store): Promise<void> {
  const visit = sampleVisit(1, { cardId: CARD_ID, patientNumber: 'P-0042' });
  await store.ledger.append(sampleRecord(1), {
    effects: () => [
      { do: 'put-visit', visit },
      { do: 'remember-eligibility', cardId: CARD_ID, answer: sampleAnswer('病院 太郎'), checkedAtMs: 1 },
      { do: 'link-patient', cardId: CARD_ID, patientNumber: 'P-0042', insured: INSURED },
      {
        do: 'open-question',
        visitId: visitId(1),
        question: 'revocation',
        reason: 'revocation.unknown',
        serialHash: 'd5'.repeat(32),
        insured: INSURED,
        openedAtMs: 1,
      },
      {
        do: 'enqueue-visit-record',
        record: {
          visitId: visit.visitId,
          institutionCode: '1310000001',
          cardId: CARD_ID,
          visitedAt: visit.at,
          mode: 'online',
          identifiedBy: 'organisation-authentication',
          faceCheck: 'not-done',
          eligibility: 'valid',
          evidence: { seq: 1, hash: 'ab'.repeat(32) },
        },
      },
    ],
  });
}

function expectEverything(store: Store): void {
  expect(store.visits.patientByCard(CARD_ID)).toMatchObject({ patientNumber: 'P-0042', insured: INSURED });
  expect(store.visits.cardsOfPatient('P-0042')).toEqual([CARD_ID]);
  expect(store.visits.lastEligibility(CARD_ID)?.answer.ArbitraryIdentifier).toBe('病院 太郎');
  expect(store.visits.unresolvedVisits(0)[0]?.patientNumber).toBe('P-0042');
  expect(store.visits.openQuestions(1)[0]?.serialHash).toBe('d5'.repeat(32));
  expect(store.visits.visit(visitId(1))?.patientNumber).toBe('P-0042');
  expect(store.outbox.due(0, 1)[0]?.record).toMatchObject({ visitId: visitId(1) });
}

function isOnDisk(secret: string): boolean {
  const inHex = /^[0-9a-f]+$/.test(secret) ? Buffer.from(secret, 'hex') : undefined;
  return readdirSync(folder)
    .map((name) => readFileSync(join(folder, name)))
    .some((file) => file.includes(secret) || (inHex !== undefined && file.includes(inHex)));
}

/** Which key each sealed value names, by column. */
function keysInUse(): Set<string> {
  const database = openDatabase(path);
  const heads = SEALED_COLUMNS.flatMap(({ table, column }) =>
    prepare<[], { head: Uint8Array }>(
      database,
      `SELECT substr(${column}, 1, 5) AS head FROM ${table} WHERE ${column} IS NOT NULL`,
    ).all(),
  );
  database.close();
  return new Set(heads.map(({ head }) => Buffer.from(head).toString('hex')));
}

describe('the seal', () => {
  test('leaves nothing of a patient readable on the disk, and everything with the SAM', async () => {
    const store = await openVault();
    await fill(store);
    expectEverything(store);
    expect(SECRETS.filter(isOnDisk)).toEqual([]);
    expect(isOnDisk(CARD_ID)).toBe(true);
  });

  test('is what does it: without one all of it is readable', async () => {
    const store = openUnsealedStore(path);
    opened.push(store);
    await fill(store);
    expect(SECRETS.filter(isOnDisk)).toEqual(SECRETS);
  });

  test('knows every column that is named sealed', () => {
    sealed();
    const database = openDatabase(path);
    const columns = prepare<[], { name: string }>(
      database,
      `SELECT m.name || '.' || c.name AS name FROM sqlite_master AS m JOIN pragma_table_info(m.name) AS c
       WHERE m.type = 'table' AND c.name LIKE 'sealed%'`,
    ).all();
    database.close();
    expect(columns.map(({ name }) => name).sort()).toEqual(
      SEALED_COLUMNS.map(({ table, column }) => `${table}.${column}`).sort(),
    );
  });

  test('does not open in another row, nor after one changed bit', async () => {
    const store = await openVault();
    for (const number of [1, 2, 3]) {
      await store.ledger.append(sampleRecord(number), {
        effects: () => [{ do: 'put-visit', visit: sampleVisit(number) }],
      });
    }
    const database = openDatabase(path);
    database.exec(
      `UPDATE visit SET sealed_visit = (SELECT sealed_visit FROM visit WHERE visit_id = '${visitId(1)}')
       WHERE visit_id = '${visitId(2)}'`,
    );
    const value = database
      .prepare('SELECT sealed_visit FROM visit WHERE visit_id = ?')
      .pluck()
      .get(visitId(3)) as Buffer;
    value[value.length - 1]! ^= 1;
    database.prepare('UPDATE visit SET sealed_visit = ? WHERE visit_id = ?').run(value, visitId(3));
    database.close();
    expect(store.visits.visit(visitId(1))?.visitId).toBe(visitId(1));
    for (const number of [2, 3]) {
      expect(() => store.visits.visit(visitId(number))).toThrow(
        expect.objectContaining({ code: 'store.failed' }),
      );
    }
  });
});

describe('without the SAM', () => {
  test('evidence goes on; patients, visits and waiting records stay shut', async () => {
    const store = await openVault();
    await fill(store);
    store.vault.close();
    await store.ledger.append(sampleRecord(2));
    expect(store.visits.unresolvedCount()).toBe(1);
    expect(store.visits.outboxWaiting()).toBe(1);
    expect(store.outbox.due(0, 1)).toEqual([]);
    expect(store.outbox.nextDueAtMs()).toBeUndefined();
    for (const read of [
      () => store.visits.patientByCard(CARD_ID),
      () => store.visits.cardsOfPatient('P-0042'),
      () => store.visits.visit(visitId(1)),
      () => store.visits.lastEligibility(CARD_ID),
      () => store.visits.openQuestions(1),
    ]) {
      expect(read).toThrow(expect.objectContaining({ code: 'sam.locked' }));
    }
  });

  test('what has to be written goes in by the slot, and is read when the SAM is back', async () => {
    const store = await openVault();
    store.vault.close();
    const visit = sampleVisit(1, { cardId: CARD_ID, patientNumber: 'P-0042' });
    await store.ledger.append(sampleRecord(1), { effects: () => [{ do: 'put-visit', visit }] });
    expect(() => store.visits.visit(visitId(1))).toThrow(expect.objectContaining({ code: 'sam.locked' }));
    expect(['P-0042', '架空'].filter(isOnDisk)).toEqual([]);
    await store.vault.open(SAM, neverRewrap);
    expect(store.visits.visit(visitId(1))?.patientNumber).toBe('P-0042');
    await store.close();
    const later = await openVault();
    expect(later.visits.visit(visitId(1))?.patientNumber).toBe('P-0042');
    const keyId = await later.vault.rotate(SAM);
    await later.vault.finishRotation();
    expect(keysInUse()).toEqual(new Set([`01${keyId}`]));
    expect(later.visits.visit(visitId(1))?.patientNumber).toBe('P-0042');
  });

  test('a letter is taken for a visit, not for whose a card is or what an insurance said', async () => {
    const store = await openVault();
    await fill(store);
    store.vault.close();
    for (const effect of [
      { do: 'link-patient', cardId: 'R1-OTHER', insured: INSURED },
      { do: 'remember-eligibility', cardId: CARD_ID, answer: sampleAnswer('x'), checkedAtMs: 2 },
    ] as const) {
      const writing = store.ledger.append(sampleRecord(2), { effects: () => [effect] });
      await expect(writing).rejects.toMatchObject({ code: 'sam.locked' });
    }
    // Whoever has the disk has the slot.
    const database = openDatabase(path);
    const row = database.prepare('SELECT public_key FROM letterbox').pluck().get() as Uint8Array;
    const planted = openSlot(row)(Buffer.from('{}'), 'patient/1/identity');
    database.prepare('UPDATE patient SET sealed_identity = ?').run(planted);
    database.close();
    await store.vault.open(SAM, neverRewrap);
    expect(() => store.visits.patientByCard(CARD_ID)).toThrow(
      expect.objectContaining({ code: 'store.failed' }),
    );
  });

  test('before there ever was a key a visit is refused as a whole, entry and all', async () => {
    const store = sealed();
    await expect(fill(store)).rejects.toMatchObject({ code: 'sam.locked' });
    expect(store.ledger.head()).toBeUndefined();
  });

  test('a locked SAM opens nothing, an unlocked one what it sealed in an earlier life', async () => {
    const first = await openVault();
    await fill(first);
    await first.close();
    const store = sealed();
    SAM.isLocked = true;
    await expect(store.vault.open(SAM, neverRewrap)).rejects.toMatchObject({ code: 'sam.locked' });
    expect(store.vault.isOpen).toBe(false);
    SAM.isLocked = false;
    expect(await store.vault.open(SAM, neverRewrap)).toMatchObject({ event: 'opened' });
    expectEverything(store);
  });

  test('locking it while the vault is being opened leaves the vault closed', async () => {
    const store = sealed();
    SAM.meanwhile = () => store.vault.close();
    await expect(store.vault.open(SAM, neverRewrap)).rejects.toMatchObject({ code: 'sam.locked' });
    SAM.meanwhile = () => {};
    expect(store.vault.isOpen).toBe(false);
  });
});

describe('another SAM', () => {
  test('opens what the SP wrapped for it, and from then on by itself', async () => {
    const first = await openVault();
    await fill(first);
    await first.close();
    const replacement = new WrappingSam('1112131415161718');
    const store = sealed();
    const asked: string[] = [];
    const opening = await store.vault.open(replacement, async (fromSamId, wrapped) => {
      asked.push(fromSamId);
      return replacement.wrap(await SAM.unwrapDataKey(wrapped));
    });
    expect(opening.event).toBe('moved-to-this-sam');
    expect(asked).toEqual([SAM.samId]);
    expectEverything(store);
    store.vault.close();
    expect(await store.vault.open(replacement, neverRewrap)).toMatchObject({ event: 'opened' });
    await expect(store.vault.open(SAM, async (_, wrapped) => wrapped)).rejects.toMatchObject({
      code: 'sam.failed',
    });
  });

  test('a key that is not the one of this database is refused', async () => {
    await openVault();
    const replacement = new WrappingSam('1112131415161718');
    const store = sealed();
    const foreign = replacement.wrap(new Uint8Array(32));
    await expect(store.vault.open(replacement, async () => foreign)).rejects.toMatchObject({
      code: 'store.failed',
    });
    expect(store.vault.isOpen).toBe(false);
  });
});

describe('a new key', () => {
  test('seals at once, and everything after a while; the old one is forgotten', async () => {
    const store = await openVault();
    await fill(store);
    const before = keysInUse();
    const keyId = await store.vault.rotate(SAM);
    expectEverything(store);
    await store.vault.finishRotation();
    expectEverything(store);
    expect(keysInUse()).toEqual(new Set([`01${keyId}`]));
    expect(before.has(`01${keyId}`)).toBe(false);
    store.vault.close();
    expect(await store.vault.open(SAM, neverRewrap)).toMatchObject({ keyId, event: 'opened' });
    expectEverything(store);
  });

  test('cut short by a lock, it goes on where it was', async () => {
    const store = await openVault();
    for (let number = 1; number <= 450; number += 1) {
      await store.ledger.append(sampleRecord(number), {
        effects: () => [{ do: 'put-visit', visit: sampleVisit(number) }],
      });
    }
    const keyId = await store.vault.rotate(SAM);
    const rotation = store.vault.finishRotation();
    store.vault.close();
    await rotation;
    expect(keysInUse().size).toBe(2);
    await store.vault.open(SAM, neverRewrap);
    expect(store.visits.visit(visitId(450))?.visitId).toBe(visitId(450));
    await store.vault.finishRotation();
    expect(keysInUse()).toEqual(new Set([`01${keyId}`]));
    expect(store.visits.visit(visitId(450))?.visitId).toBe(visitId(450));
  });
});

describe('a database from before there were keys', () => {
  test('is sealed when it gets its first', async () => {
    const plain = openUnsealedStore(path);
    await fill(plain);
    await plain.close();
    const store = sealed();
    expect(await store.vault.open(SAM, neverRewrap)).toMatchObject({ event: 'first-key' });
    expectEverything(store);
    expect([...keysInUse()].every((head) => head.startsWith('01'))).toBe(true);
  });

  test('takes nothing in clear when its keys were taken away, although evidence tells of one', async () => {
    const store = await openVault();
    await fill(store);
    const record = {
      kind: 'data-key',
      at: '2026-11-20T00:00:00.000Z',
      keyId: '00000000',
      event: 'first-key',
    };
    await store.ledger.append(record as Parameters<typeof store.ledger.append>[0]);
    await store.close();
    const database = openDatabase(path);
    database.exec('DELETE FROM data_key; DELETE FROM letterbox');
    database.close();
    await expect(sealed().vault.open(SAM, neverRewrap)).rejects.toMatchObject({ code: 'store.failed' });
  });

  test('takes nothing in clear afterwards', async () => {
    const store = await openVault();
    await fill(store);
    const database = openDatabase(path);
    database
      .prepare('UPDATE visit SET sealed_visit = ?')
      .run(Buffer.from(JSON.stringify(sampleVisit(1, { patientNumber: 'FORGED' }))));
    database.close();
    expect(() => store.visits.visit(visitId(1))).toThrow(expect.objectContaining({ code: 'store.failed' }));
  });
});
