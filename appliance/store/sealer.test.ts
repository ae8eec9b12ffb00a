import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openDatabase } from './database.ts';
import { openSealer, type Sealer } from './sealer.ts';
import { openStore } from './store.ts';
import { INSURED, sampleAnswer, sampleRecord, sampleVisit, visitId } from './testdata/sample-visit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-sealer-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** What a sealer under the SAM's data key will do: AES-256-GCM with the place as additional data. */
function gcmSealer(key: Buffer): Sealer {
  return {
    seal(plain, place) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(place));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    unseal(sealed, place) {
      const bytes = Buffer.from(sealed);
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, 12)).setAAD(Buffer.from(place));
      decipher.setAuthTag(bytes.subarray(12, 28));
      return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]);
    },
    blindIndex: (text) => createHmac('sha256', key).update(text).digest(),
  };
}

const SECRETS = ['病院 太郎', '1234567', 'P-0042', '架空', 'd5'.repeat(32)];

async function fill(path: string, sealer: Sealer): Promise<void> {
  const store = openStore(path, { sealer });
  const cardId = 'R1-TEST';
  await store.ledger.append(sampleRecord(1), {
    effects: () => [
      { do: 'put-visit', visit: sampleVisit(1, { cardId, patientNumber: 'P-0042' }) },
      { do: 'remember-eligibility', cardId, answer: sampleAnswer('病院 太郎'), checkedAtMs: 1 },
      { do: 'link-patient', cardId, patientNumber: 'P-0042', insured: INSURED },
      {
        do: 'open-question',
        visitId: visitId(1),
        question: 'revocation',
        reason: 'revocation.unknown',
        serialHash: 'd5'.repeat(32),
        openedAtMs: 1,
      },
    ],
  });
  expect(store.visits.patientByCard(cardId)).toMatchObject({ patientNumber: 'P-0042', insured: INSURED });
  expect(store.visits.cardsOfPatient('P-0042')).toEqual([cardId]);
  expect(store.visits.lastEligibility(cardId)?.answer.ArbitraryIdentifier).toBe('病院 太郎');
  expect(store.visits.unresolvedVisits(0)[0]?.patientNumber).toBe('P-0042');
  expect(store.visits.openQuestions(1)[0]?.serialHash).toBe('d5'.repeat(32));
  await store.close();
}

function secretsOnDisk(): string[] {
  const bytes = readdirSync(folder).map((name) => readFileSync(join(folder, name)));
  return SECRETS.filter((secret) =>
    bytes.some(
      (file) =>
        file.includes(secret) || (/^[0-9a-f]+$/.test(secret) && file.includes(Buffer.from(secret, 'hex'))),
    ),
  );
}

test('with a sealer that seals, nothing of a patient is readable on the disk', async () => {
  await fill(join(folder, 'store.db'), gcmSealer(randomBytes(32)));
  expect(secretsOnDisk()).toEqual([]);
});

test('without one it is: the test above can fail', async () => {
  await fill(join(folder, 'store.db'), openSealer);
  expect(secretsOnDisk()).toEqual(SECRETS);
});

test('a sealed value moved to another row does not open', async () => {
  const path = join(folder, 'store.db');
  const sealer = gcmSealer(randomBytes(32));
  const store = openStore(path, { sealer });
  for (const number of [1, 2]) {
    await store.ledger.append(sampleRecord(number), {
      effects: () => [{ do: 'put-visit', visit: sampleVisit(number) }],
    });
  }
  const database = openDatabase(path);
  database.exec(
    `UPDATE visit SET sealed_visit = (SELECT sealed_visit FROM visit WHERE visit_id = '${visitId(1)}')`,
  );
  database.close();
  expect(store.visits.visit(visitId(1))?.visitId).toBe(visitId(1));
  expect(() => store.visits.visit(visitId(2))).toThrow();
  await store.close();
});
