import { createHash } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import type { Visit } from '#contract/visit.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import { SAMPLE_INSURED, sampleQualification } from './testdata/scripted-centre.ts';

let bench: GatewayBench;
let caller: Caller;
afterEach(() => bench.close());

const person = 'mihon-taro';

async function open(): Promise<void> {
  bench = await openGatewayBench();
  caller = await bench.signIn();
}

async function tap(id = person): Promise<Visit> {
  const visit = await bench.tap(caller, bench.card(id));
  if (visit?.outcome !== 'accepted') throw new Error('not accepted');
  return visit;
}

const now = (visit: Visit): Promise<Visit> => bench.gateway.visit(caller, visit.visitId);

/** The way that the SP makes its list. @see appliance/contract/centre/service-provider.ts RevokedCards */
function listed(id: string): string {
  const serial = Buffer.from(bench.region.wallet.get(id)?.serial ?? '', 'hex');
  return createHash('sha256').update(serial).update('9910000017').digest('hex');
}

function publishList(hashes: readonly string[]): void {
  bench.centre.revokedCards = { asOf: new Date(bench.clock.nowMs()).toISOString(), hashes: [...hashes] };
}

describe('revocation that was unknown', () => {
  async function visitWithOpenRevocation(): Promise<Visit> {
    await open();
    bench.centre.scripts.revocation.behaviour = 'revocation.unknown';
    const visit = await tap();
    await bench.clock.advance(1_000);
    return visit;
  }

  test('is good when a list from after the visit does not name the card', async () => {
    const visit = await visitWithOpenRevocation();
    publishList([listed('mihon-hanako')]);
    await bench.gateway.reconcileNow();
    expect(await now(visit)).toMatchObject({
      outcome: 'accepted',
      certificate: { revocation: 'good' },
      unresolved: ['patient-number'],
    });
    expect(bench.records.at(-1)).toMatchObject({
      kind: 'reconciled',
      question: 'revocation',
      result: 'good',
      by: 'appliance',
    });
  });

  test('is shown in the history when the list names the card', async () => {
    const visit = await visitWithOpenRevocation();
    publishList([listed(person)]);
    await bench.gateway.reconcileNow();
    expect(await now(visit)).toMatchObject({
      error: 'patient.revoked-other',
      unresolved: ['patient-number'],
    });
    expect(bench.records.at(-1)).toMatchObject({ question: 'revocation', result: 'revoked' });
  });

  test('stays open for a list from before the visit', async () => {
    const visit = await visitWithOpenRevocation();
    bench.centre.revokedCards = { asOf: new Date(bench.clock.nowMs() - 60_000).toISOString(), hashes: [] };
    await bench.gateway.reconcileNow();
    expect((await now(visit)).unresolved).toContain('revocation');
    const [row] = await bench.gateway.unresolvedVisits(caller);
    expect(row).toMatchObject({ visitId: visit.visitId, attempts: 1, ageSeconds: 1 });
  });

  test('is asked for once for all visits', async () => {
    await visitWithOpenRevocation();
    await tap('mihon-hanako');
    await tap('kakuu-ume');
    await bench.clock.advance(1_000);
    publishList([]);
    await bench.gateway.reconcileNow();
    expect(bench.centre.scripts.revokedCards.calls).toBe(1);
    expect(bench.records.filter(({ kind }) => kind === 'reconciled')).toHaveLength(3);
  });
});

describe('eligibility that was unavailable', () => {
  test('is asked again with the insured number that an earlier visit left', async () => {
    await open();
    await tap();
    bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
    const visit = await tap();
    bench.centre.scripts.eligibility.behaviour = 'good';
    bench.centre.validity = '2';
    await bench.gateway.reconcileNow();
    expect(await now(visit)).toMatchObject({
      eligibility: { source: 'now', validity: 'invalid', changes: ['QualificationValidity'] },
      unresolved: ['patient-number'],
    });
    expect(bench.centre.askedInsured).toMatchObject([SAMPLE_INSURED]);
  });

  test('needs a number when there is none, and remembers the one that a clerk types', async () => {
    await open();
    bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
    const [first, second] = [await tap(), await tap()];
    bench.centre.scripts.eligibility.behaviour = 'good';
    await bench.gateway.reconcileNow();
    expect(bench.centre.askedInsured).toEqual([]);
    const mistyped = { ...SAMPLE_INSURED, InsurerNumber: '01130013' };
    await expect(bench.gateway.reconcile(caller, first.visitId, mistyped)).rejects.toMatchObject({
      code: 'insured-number.check-digit',
    });
    expect(await bench.gateway.reconcile(caller, first.visitId, SAMPLE_INSURED)).toMatchObject({
      eligibility: { source: 'now', validity: 'valid' },
      unresolved: ['patient-number'],
    });
    expect(bench.records.at(-1)).toMatchObject({ by: caller.operatorId, question: 'eligibility' });
    // The other visit of the same card now has a number, too.
    await bench.gateway.reconcileNow();
    expect((await now(second)).eligibility.source).toBe('now');
  });

  test('keeps a number that is typed while it is still unavailable: nobody types it again', async () => {
    await open();
    bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
    const visit = await tap();
    const listed = async () => (await bench.gateway.unresolvedVisits(caller))[0]?.hasInsuredNumber;
    expect(await listed()).toBe(false);
    await bench.gateway.reconcile(caller, visit.visitId, SAMPLE_INSURED);
    expect(await listed()).toBe(true);
    expect((await now(visit)).unresolved).toContain('eligibility');
    bench.centre.scripts.eligibility.behaviour = 'good';
    await bench.gateway.reconcileNow();
    expect(bench.centre.askedInsured).toMatchObject([SAMPLE_INSURED]);
    expect((await now(visit)).eligibility).toMatchObject({ source: 'now', validity: 'valid' });
    // And the card has it from now on.
    expect(bench.store.visits.patientByCard(visit.cardId ?? '')?.insured).toMatchObject(SAMPLE_INSURED);
  });

  test('several results name no number to ask with', async () => {
    await open();
    bench.centre.validity = '5';
    bench.centre.results = [sampleQualification(), sampleQualification({ InsuredCardSymbol: '13' })];
    expect((await tap()).eligibility.validity).toBe('several');
    bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
    await tap();
    bench.centre.scripts.eligibility.behaviour = 'good';
    await bench.gateway.reconcileNow();
    expect(bench.centre.askedInsured).toEqual([]);
  });

  test('of a visit by insured number is asked with what the patient number leads to', async () => {
    await open();
    const earlier = await tap();
    await bench.gateway.linkPatient(caller, earlier.cardId ?? '', 'P-1', undefined);
    bench.centre.all = 'centre.unreachable';
    const visit = await bench.gateway.visitByInsuredNumber(caller, SAMPLE_INSURED, 'P-1');
    expect(visit).toMatchObject({
      mode: 'offline',
      identifiedBy: 'insured-number',
      eligibility: { source: 'none', reason: 'centre.unreachable' },
      unresolved: ['eligibility'],
      visitRecord: 'queued',
    });
    const other = await bench.gateway.visitByInsuredNumber(caller, SAMPLE_INSURED, undefined);
    bench.centre.all = 'good';
    await bench.gateway.reconcileNow();
    expect((await now(visit)).eligibility).toMatchObject({ source: 'now', validity: 'valid' });
    // Nobody knows whose this one was, but its number was kept.
    expect((await now(other)).eligibility).toMatchObject({ source: 'now', validity: 'valid' });
    expect(await bench.gateway.unresolvedVisits(caller)).toEqual([]);
    await expect(bench.gateway.reconcile(caller, other.visitId, undefined)).rejects.toMatchObject({
      code: 'visit.already-resolved',
    });
  });
});

describe('the patient number', () => {
  test('closes what was open about the card, and is known at the next visit', async () => {
    await open();
    const visits = [await tap(), await tap('mihon-hanako'), await tap()];
    const cardId = visits[0]?.cardId ?? '';
    bench.centre.all = 'silent';
    // Linking asks nobody: it works at once in a clinic without a line.
    await bench.gateway.linkPatient(caller, cardId, 'P-1001', undefined);
    bench.centre.all = 'good';
    for (const visit of [visits[0], visits[2]]) {
      expect(await now(visit!)).toMatchObject({ patientNumber: 'P-1001', unresolved: [] });
    }
    expect((await now(visits[1]!)).unresolved).toEqual(['patient-number']);
    expect(await tap()).toMatchObject({ patientNumber: 'P-1001', unresolved: [] });
  });

  test('is one for a card: another is refused, the same again is not', async () => {
    await open();
    const { cardId = '' } = await tap();
    await bench.gateway.linkPatient(caller, cardId, 'P-1001', SAMPLE_INSURED);
    await bench.gateway.linkPatient(caller, cardId, 'P-1001', undefined);
    await expect(bench.gateway.linkPatient(caller, cardId, 'P-1002', undefined)).rejects.toMatchObject({
      code: 'patient.link-conflict',
      context: {},
    });
    await expect(
      bench.gateway.linkPatient(caller, cardId, 'P-1001', { ...SAMPLE_INSURED, InsurerNumber: '01130013' }),
    ).rejects.toMatchObject({ code: 'insured-number.check-digit' });
    // A person may have typed it: the check character finds one wrong sign.
    const mistyped = cardId.replace(/-(.)/, (_, sign) => (sign === '7' ? '-8' : '-7'));
    await expect(bench.gateway.linkPatient(caller, mistyped, 'P-1002', undefined)).rejects.toMatchObject({
      code: 'request.invalid',
      field: 'cardId',
    });
    const record = bench.records.find(({ kind }) => kind === 'patient-linked');
    const hash = createHash('sha256').update('9910000017').update('P-1001').digest('hex');
    expect(record).toMatchObject({ cardId, patientNumberHash: hash });
  });

  test('may have several cards: the renewed one is linked to the same patient', async () => {
    await open();
    const old = await tap('kakuu-ume');
    const renewed = await tap('kamei-saburo');
    await bench.gateway.linkPatient(caller, old.cardId ?? '', 'P-1', undefined);
    await bench.gateway.linkPatient(caller, renewed.cardId ?? '', 'P-1', undefined);
    expect(bench.store.visits.cardsOfPatient('P-1')).toEqual(
      expect.arrayContaining([old.cardId, old.alternateCardId, renewed.cardId]),
    );
  });
});

test('the unresolved list is oldest first, with age and reason', async () => {
  await open();
  bench.centre.scripts.revocation.behaviour = 'revocation.unknown';
  const first = await tap();
  await bench.clock.advance(30_000);
  const second = await tap('mihon-hanako');
  await bench.clock.advance(15_000);
  expect(await bench.gateway.unresolvedVisits(caller)).toMatchObject([
    { visitId: first.visitId, ageSeconds: 45, open: ['patient-number', 'revocation'] },
    { visitId: second.visitId, ageSeconds: 15 },
  ]);
  expect(bench.gateway.snapshot().unresolvedVisits).toBe(2);
});

test('a visit that nobody knows can not be reconciled', async () => {
  await open();
  await expect(bench.gateway.reconcile(caller, 'nothing', undefined)).rejects.toMatchObject({
    code: 'visit.unknown',
  });
});

test('a run ends between two questions when the gateway closes', async () => {
  await open();
  bench.centre.scripts.eligibility.behaviour = 'eligibility.unavailable';
  bench.centre.scripts.revocation.behaviour = 'revocation.unknown';
  await tap();
  bench.centre.scripts.revokedCards.behaviour = 'silent';
  bench.centre.scripts.roster.behaviour = 'silent';
  const running = bench.gateway.reconcileNow();
  while (bench.centre.scripts.revokedCards.waiting === 0) await new Promise(setImmediate);
  await bench.gateway.close();
  await running;
});
