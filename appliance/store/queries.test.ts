import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RosterAnswer } from '#contract/centre/service-provider.ts';
import type { StoreEffect } from '#evidence/ledger.ts';
import type { Store } from './store.ts';
import {
  AT,
  INSURED,
  sampleAnswer,
  sampleEffects,
  sampleRecord,
  sampleVisit,
  visitId,
} from './testdata/sample-visit.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

let folder: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-queries-'));
  store = openUnsealedStore(join(folder, 'store.db'));
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const commit = (...effects: StoreEffect[]): Promise<unknown> =>
  store.ledger.append({ kind: 'started', at: AT, version: '0' }, { effects: () => effects });
const link = (
  cardId: string,
  more: Partial<Extract<StoreEffect, { do: 'link-patient' }>> = {},
): Promise<unknown> => commit({ do: 'link-patient', cardId, ...more });

describe('patients', () => {
  test('an unknown card is nobody', () => {
    expect(store.visits.patientByCard('A')).toBeUndefined();
    expect(store.visits.cardsOfPatient('1')).toEqual([]);
  });

  test('a card is known after its first visit, and numbered later', async () => {
    await link('A', { insured: INSURED });
    expect(store.visits.patientByCard('A')).toEqual({
      cardId: 'A',
      patientNumber: undefined,
      insured: INSURED,
      alternateCardIds: [],
    });
    await link('A', { patientNumber: '1' });
    expect(store.visits.patientByCard('A')).toMatchObject({ patientNumber: '1', insured: INSURED });
    await link('A');
    expect(store.visits.patientByCard('A')).toMatchObject({ patientNumber: '1', insured: INSURED });
    expect(store.visits.cardsOfPatient('1')).toEqual(['A']);
  });

  test('the two IDs of one card are one patient, whichever came first', async () => {
    await link('R', { patientNumber: '1' });
    await link('K', { alternateCardId: 'R' });
    expect(store.visits.patientByCard('K')).toMatchObject({ patientNumber: '1', alternateCardIds: ['R'] });
    expect(store.visits.cardsOfPatient('1')).toEqual(['K', 'R']);
  });

  test('a renewed card joins its patient, with the other ID it brought', async () => {
    await link('OLD', { patientNumber: '1', insured: INSURED });
    await link('NEW-R', { alternateCardId: 'NEW-K' });
    await link('NEW-R', { patientNumber: '1' });
    expect(store.visits.cardsOfPatient('1')).toEqual(['NEW-K', 'NEW-R', 'OLD']);
    expect(store.visits.patientByCard('NEW-K')?.insured).toEqual(INSURED);
  });

  test('what an unnumbered patient told is kept when the number turns out to exist', async () => {
    await link('OLD', { patientNumber: '1' });
    await link('NEW', { insured: INSURED });
    await link('NEW', { patientNumber: '1' });
    expect(store.visits.patientByCard('OLD')?.insured).toEqual(INSURED);
  });

  test('a corrected number moves this card only', async () => {
    await link('A', { patientNumber: '1', insured: INSURED });
    await link('B', { patientNumber: '1' });
    await link('B', { patientNumber: '2' });
    expect(store.visits.cardsOfPatient('1')).toEqual(['A']);
    expect(store.visits.patientByCard('B')).toEqual({
      cardId: 'B',
      patientNumber: '2',
      insured: undefined,
      alternateCardIds: [],
    });
  });
});

describe('eligibility', () => {
  test('the newest answer of any card of the patient is the last known one', async () => {
    expect(store.visits.lastEligibility('A')).toBeUndefined();
    await commit({ do: 'remember-eligibility', cardId: 'A', answer: sampleAnswer('first'), checkedAtMs: 1 });
    await commit({ do: 'remember-eligibility', cardId: 'A', answer: sampleAnswer('second'), checkedAtMs: 2 });
    expect(store.visits.lastEligibility('A')).toEqual({ answer: sampleAnswer('second'), checkedAtMs: 2 });
    expect(store.visits.lastEligibility('K')).toBeUndefined();
    await link('K', { alternateCardId: 'A' });
    expect(store.visits.lastEligibility('K')?.answer.ArbitraryIdentifier).toBe('second');
  });
});

describe('visits', () => {
  test('are found by ID and by time, newest first, end excluded', async () => {
    for (const number of [1, 2, 3])
      await store.ledger.append(sampleRecord(number), { effects: sampleEffects(number) });
    const [from, to] = [Date.parse(AT) + 1000, Date.parse(AT) + 3000];
    expect(store.visits.visitsBetween(from, to).map(({ visitId: id }) => id)).toEqual([
      visitId(2),
      visitId(1),
    ]);
    expect(store.visits.visit(visitId(3))).toMatchObject(sampleVisit(3, { evidence: expect.anything() }));
    expect(store.visits.visit(visitId(4))).toBeUndefined();
  });
});

test('uses for a person outlive the process, and go when they are old', () => {
  const path = join(folder, 'store.db');
  const { personUses } = store;
  personUses.recordPersonUse({ person: 'a', atMs: 1 }, 0);
  personUses.recordPersonUse({ person: 'b', atMs: 2 }, 0);
  const again = openUnsealedStore(path);
  expect(again.personUses.personUses()).toEqual([
    { person: 'a', atMs: 1 },
    { person: 'b', atMs: 2 },
  ]);
  again.personUses.recordPersonUse({ person: 'a', atMs: 3 }, 1);
  expect(personUses.personUses().map(({ atMs }) => atMs)).toEqual([2, 3]);
  return again.close();
});

describe('open questions', () => {
  const open = (
    number: number,
    question: 'revocation' | 'eligibility',
    openedAtMs: number,
    serialHash?: string,
  ): StoreEffect => ({
    do: 'open-question',
    visitId: visitId(number),
    question,
    reason: question === 'revocation' ? 'revocation.unknown' : 'centre.timeout',
    openedAtMs,
    ...(serialHash !== undefined && { serialHash }),
  });

  test('stay, with age and reason, until they are closed', async () => {
    const unresolved = ['revocation', 'eligibility'] as const;
    const visit = sampleVisit(1, { unresolved: [...unresolved], patientNumber: undefined as never });
    await commit(open(1, 'eligibility', 5_000), open(1, 'revocation', 4_000, 'ab'.repeat(32)), {
      do: 'put-visit',
      visit,
    });
    await commit({ do: 'put-visit', visit: sampleVisit(2) }, open(2, 'eligibility', 1_000));
    expect(store.visits.unresolvedVisits(65_999)).toEqual([
      {
        visitId: visitId(2),
        at: sampleVisit(2).at,
        cardId: 'R1-TEST-2',
        patientNumber: 'P-2',
        open: ['eligibility'],
        ageSeconds: 64,
        reason: 'centre.timeout',
        hasInsuredNumber: false,
        attempts: 0,
      },
      {
        visitId: visitId(1),
        at: sampleVisit(1).at,
        cardId: 'R1-TEST-1',
        open: ['revocation', 'eligibility'],
        ageSeconds: 61,
        reason: 'revocation.unknown',
        hasInsuredNumber: false,
        attempts: 0,
      },
    ]);
    expect(store.visits.unresolvedCount()).toBe(2);
    await commit({
      do: 'close-question',
      visitId: visitId(1),
      question: 'revocation',
      visit: sampleVisit(1, { unresolved: ['eligibility'] }),
    });
    expect(
      store.visits.unresolvedVisits(0).map(({ open: still, ageSeconds }) => [still, ageSeconds]),
    ).toEqual([
      [['eligibility'], 0],
      [['eligibility'], 0],
    ]);
    expect(store.visits.visit(visitId(1))?.unresolved).toEqual(['eligibility']);
  });

  test('come least tried first, then oldest, with the hash for the list of revoked cards', async () => {
    for (const number of [1, 2, 3])
      await commit(
        { do: 'put-visit', visit: sampleVisit(number) },
        open(number, 'revocation', number, `0${number}`.repeat(32)),
      );
    store.visits.countAttempt(visitId(1), 'revocation');
    expect(store.visits.openQuestions(2)).toEqual([
      {
        visitId: visitId(2),
        question: 'revocation',
        reason: 'revocation.unknown',
        serialHash: '02'.repeat(32),
        openedAtMs: 2,
        attempts: 0,
      },
      {
        visitId: visitId(3),
        question: 'revocation',
        reason: 'revocation.unknown',
        serialHash: '03'.repeat(32),
        openedAtMs: 3,
        attempts: 0,
      },
    ]);
    expect(store.visits.openQuestions(9)[2]).toMatchObject({ visitId: visitId(1), attempts: 1 });
    expect(store.visits.unresolvedVisits(0)[0]?.attempts).toBe(1);
  });
});

describe('the roster', () => {
  test('is remembered, and never replaced by an older one', () => {
    const roster = (version: number): RosterAnswer => ({ version, operators: [], update: 'AAAA' });
    expect(store.roster.roster()).toBeUndefined();
    store.roster.rememberRoster(roster(2));
    store.roster.rememberRoster(roster(1));
    expect(store.roster.roster()).toEqual(roster(2));
  });
});

describe('the outbox', () => {
  test('gives what is due, oldest first, once per visit', async () => {
    for (const number of [1, 2, 3])
      await store.ledger.append(sampleRecord(number), { effects: sampleEffects(number) });
    expect(store.visits.outboxWaiting()).toBe(3);
    expect(store.outbox.due(0, 2).map(({ visitId: id }) => id)).toEqual([visitId(1), visitId(2)]);
    await expect(store.ledger.append(sampleRecord(1), { effects: sampleEffects(1) })).rejects.toMatchObject({
      code: 'store.failed',
    });
    store.outbox.markFailed(visitId(1), 'centre.refused', 500);
    expect(store.outbox.due(499, 9).map(({ visitId: id }) => id)).toEqual([visitId(2), visitId(3)]);
    expect(store.outbox.due(500, 1)).toMatchObject([{ visitId: visitId(1), attempts: 1 }]);
    store.outbox.markDelivered(visitId(2), 600);
    store.outbox.markDelivered(visitId(3), 600);
    expect(store.outbox.nextDueAtMs()).toBe(500);
    store.outbox.markDelivered(visitId(1), 600);
    expect(store.outbox.nextDueAtMs()).toBeUndefined();
    expect(store.visits.outboxWaiting()).toBe(0);
    await expect(store.ledger.append(sampleRecord(1), { effects: sampleEffects(1) })).rejects.toMatchObject({
      code: 'store.failed',
    });
  });

  test('a delivered visit says so, also after a question about it closes', async () => {
    await store.ledger.append(sampleRecord(1), { effects: sampleEffects(1) });
    expect(store.visits.visit(visitId(1))?.visitRecord).toBe('queued');
    store.outbox.markDelivered(visitId(1), 1);
    expect(store.visits.visit(visitId(1))?.visitRecord).toBe('delivered');
    await commit({
      do: 'close-question',
      visitId: visitId(1),
      question: 'eligibility',
      visit: sampleVisit(1),
    });
    expect(store.visits.visit(visitId(1))?.visitRecord).toBe('delivered');
  });

  test('a clock set back by years makes nothing wait for years', async () => {
    await store.ledger.append(sampleRecord(1), { effects: sampleEffects(1) });
    store.outbox.markFailed(visitId(1), 'centre.refused', Date.parse('2036-01-01'));
    expect(store.outbox.due(Date.parse('2026-01-01'), 1)).toHaveLength(1);
  });
});
