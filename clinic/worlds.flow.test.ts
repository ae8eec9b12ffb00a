/** One button, three worlds: what a visit shows in each, and what becomes of it when the services are back. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Visit } from '#contract/visit.ts';
import { makeVisit, settledVisit } from './tap-run.ts';
import { TrialClinic, type TrialOptions } from './testing/trial-clinic.ts';
import { enterWorld } from './world.ts';

/** Lines to the centre are tried again after one, two, four … seconds. */
const RECOVERY = { timeout: 20_000, interval: 50 };

let trial: TrialClinic;
afterEach(async () => {
  const report = await trial.verifyEvidence().finally(() => trial.close());
  expect(report).toMatchObject({ ok: true, visitsUnstamped: 0 });
});

async function open(options: TrialOptions = {}): Promise<void> {
  trial = await TrialClinic.open(options);
}

async function visitOf(id: string): Promise<Visit> {
  await trial.place(id);
  const { visit, error } = await makeVisit(trial.clinic, trial.client);
  if (visit === undefined) throw new Error(`no visit of ${id}: ${error}`);
  return visit;
}

/** What the visit-history service holds of it. */
function recordOf({ visitId }: Visit) {
  return trial.clinic.centre.visits.find(visitId)?.record;
}

async function untilDelivered(visits: readonly Visit[]): Promise<void> {
  for (const visit of visits) {
    const settled = await settledVisit(trial.client, visit, RECOVERY.timeout);
    expect(settled.visitRecord).toBe('delivered');
    expect(recordOf(visit)).toMatchObject({
      visitId: visit.visitId,
      cardId: visit.cardId,
      mode: visit.mode,
      evidence: visit.evidence,
    });
  }
  expect(trial.clinic.centre.visits.counts()).toMatchObject({ visits: visits.length });
}

async function untilWorld(mode: 'online' | 'degraded' | 'offline'): Promise<void> {
  await vi.waitFor(async () => expect((await trial.client.snapshot()).mode).toBe(mode), RECOVERY);
}

/** The operator's card opens the SAM when the SP is silent. */
async function goOffline(): Promise<void> {
  const { client, clinic } = trial;
  enterWorld(clinic.centre, 'offline');
  await client.lockSam();
  await client.signOut();
  await trial.signIn();
  expect((await client.snapshot()).facts).toMatchObject({ sam: 'unlocked', samUnlock: 'offline' });
}

/** The authority ends the certificate that is on this person's card. */
function revoke(id: string): void {
  const certificate = trial.clinic.cast.seedOf.get(id)?.certificates.at(-1);
  if (certificate === undefined) throw new RangeError(id);
  const { pki, revocations } = trial.clinic.centre;
  const issuer = pki.jpkiAuthentication[certificate.generation].certificate.keyId;
  revocations.revoke(issuer, Buffer.from(certificate.serial, 'hex'), 'affiliationChanged', Date.now());
}

describe('online', () => {
  it('everything is known now, and the visit arrives at once', async () => {
    await open();
    const first = await visitOf('P0001');
    expect(first).toMatchObject({
      mode: 'online',
      outcome: 'accepted',
      identifiedBy: 'organisation-authentication',
      certificate: { revocation: 'good' },
      faceCheck: { method: 'printed-photo', result: 'match' },
      eligibility: {
        validity: 'valid',
        source: 'now',
        changes: [],
        results: [{ InsurerNumber: '01990019' }],
      },
      unresolved: ['patient-number'],
    });
    await untilDelivered([first]);
    expect(trial.clinic.centre.visits.counts()).toEqual({ visits: 1, deliveries: 1 });
  });

  it('a linked card brings its patient number, and nothing stays open', async () => {
    await open();
    const first = await visitOf('P0001');
    await trial.client.link(first.cardId ?? '', '00012345');
    const second = await visitOf('P0001');
    expect(second).toMatchObject({ cardId: first.cardId, patientNumber: '00012345', unresolved: [] });
    expect(await trial.client.unresolvedVisits()).toEqual([]);
    expect(await trial.client.visit(first.visitId)).toMatchObject({
      patientNumber: '00012345',
      unresolved: [],
    });
  });

  it('what changed since the last visit is named by its official element', async () => {
    await open();
    await visitOf('P0001');
    const { centre, cast } = trial.clinic;
    const [entry] = cast.seedOf.get('P0001')?.qualifications ?? [];
    if (entry === undefined) throw new Error('P0001 is insured');
    const qualification = { ...entry.qualification, InsuredPartialContributionRatio: '020' };
    centre.eligibility.replaceQualifications('P0001', [{ ...entry, qualification }], Date.now());
    expect((await visitOf('P0001')).eligibility.changes).toEqual(['InsuredPartialContributionRatio']);
    expect((await visitOf('P0001')).eligibility.changes).toEqual([]);
  });
});

describe('degraded', () => {
  it('a known patient is shown the last known insurance with its date, a new one none; both visits wait and arrive', async () => {
    await open();
    const known = await visitOf('P0001');
    await untilDelivered([known]);
    enterWorld(trial.clinic.centre, 'degraded');
    const again = await visitOf('P0001');
    expect(again).toMatchObject({
      mode: 'degraded',
      outcome: 'accepted',
      certificate: { revocation: 'good' },
      eligibility: {
        validity: 'valid',
        source: 'last-known',
        reason: 'centre.unreachable',
        checkedAt: known.eligibility.checkedAt,
        results: known.eligibility.results,
        changes: [],
      },
      visitRecord: 'queued',
    });
    expect(again.unresolved).toContain('eligibility');
    const stranger = await visitOf('P0002');
    expect(stranger).toMatchObject({
      mode: 'degraded',
      outcome: 'accepted',
      eligibility: { validity: 'unknown', source: 'none', reason: 'centre.unreachable', results: [] },
      visitRecord: 'queued',
    });
    expect(await trial.client.snapshot()).toMatchObject({ mode: 'degraded', outboxWaiting: 2 });
    enterWorld(trial.clinic.centre, 'online');
    await untilDelivered([known, again, stranger]);
    expect(await trial.client.snapshot()).toMatchObject({ outboxWaiting: 0 });
  });
});

describe('offline', () => {
  it('the operator’s card opens the SAM; every visit is stamped, waits, and arrives', async () => {
    await open();
    const known = await visitOf('P0001');
    await untilDelivered([known]);
    await goOffline();
    const visits = [await visitOf('P0001'), await visitOf('P0002')];
    expect(visits).toMatchObject([
      { mode: 'offline', outcome: 'accepted', eligibility: { source: 'last-known', validity: 'valid' } },
      { mode: 'offline', outcome: 'accepted', eligibility: { source: 'none', validity: 'unknown' } },
    ]);
    expect(visits.map(({ visitRecord }) => visitRecord)).toEqual(['queued', 'queued']);
    expect(trial.clinic.centre.visits.counts().visits).toBe(1);
    enterWorld(trial.clinic.centre, 'online');
    await untilDelivered([known, ...visits]);
    await untilWorld('online');
  });

  it('an appliance that starts without any service lets nobody sign in until one knew the roster', async () => {
    await open({ signedIn: false, beforeStart: ({ centre }) => enterWorld(centre, 'offline') });
    expect(await trial.client.snapshot()).toMatchObject({
      mode: 'offline',
      ready: false,
      facts: { sam: 'locked' },
    });
    await expect(trial.signIn()).rejects.toMatchObject({ status: 403, code: 'operator.unknown' });
    enterWorld(trial.clinic.centre, 'online');
    await untilWorld('online');
    await trial.clinic.appliance.gateway.reconcileNow();
    await trial.signIn();
    expect(await visitOf('P0001')).toMatchObject({ outcome: 'accepted', mode: 'online' });
  });
});

describe('reconciliation', () => {
  it('closes what was open: revocation by the list of the SP, insurance by the stored number, number by linking', async () => {
    await open({
      // No list was ever fetched, so that revocation is really unknown.
      beforeStart: ({ centre }) => centre.faults.crl.set({ down: true }),
    });
    const known = await visitOf('P0001');
    await goOffline();
    const visit = await visitOf('P0001');
    expect(visit).toMatchObject({
      outcome: 'accepted',
      mode: 'offline',
      certificate: { revocation: 'unknown' },
      eligibility: { source: 'last-known' },
    });
    expect([...visit.unresolved].sort()).toEqual(['eligibility', 'patient-number', 'revocation']);
    const [listed] = (await trial.client.unresolvedVisits()).filter(
      ({ visitId }) => visitId === visit.visitId,
    );
    expect(listed).toMatchObject({ visitId: visit.visitId, cardId: visit.cardId, attempts: 0 });
    expect([...(listed?.open ?? [])].sort()).toEqual([...visit.unresolved].sort());
    expect(listed?.ageSeconds).toBeGreaterThanOrEqual(0);
    expect(['revocation.unknown', 'centre.unreachable']).toContain(listed?.reason);

    // While nothing answers, trying counts and closes nothing.
    await trial.clinic.appliance.gateway.reconcileNow();
    const tried = (await trial.client.unresolvedVisits()).find(({ visitId }) => visitId === visit.visitId);
    expect(tried).toMatchObject({ attempts: 1, open: listed?.open });

    enterWorld(trial.clinic.centre, 'online');
    await untilWorld('online');
    await trial.client.link(visit.cardId ?? '', '00012345');
    await vi.waitFor(async () => {
      await trial.clinic.appliance.gateway.reconcileNow();
      expect(await trial.client.unresolvedVisits()).toEqual([]);
    }, RECOVERY);
    expect(await trial.client.visit(visit.visitId)).toMatchObject({
      patientNumber: '00012345',
      certificate: { revocation: 'good' },
      eligibility: { validity: 'valid', source: 'now' },
      unresolved: [],
    });
    expect(await trial.client.visit(known.visitId)).toMatchObject({ unresolved: [] });
    expect((await trial.client.snapshot()).unresolvedVisits).toBe(0);
  });

  it.each([
    ['known here', 'P0001'],
    ['seen here for the first time', 'P0002'],
  ])(
    'a card that was revoked while nobody could know, %s, is shown as revoked afterwards',
    async (_name, id) => {
      await open({ beforeStart: ({ centre }) => centre.faults.crl.set({ down: true }) });
      await visitOf('P0001');
      await goOffline();
      revoke(id);
      const visit = await visitOf(id);
      expect(visit).toMatchObject({ outcome: 'accepted', certificate: { revocation: 'unknown' } });
      enterWorld(trial.clinic.centre, 'online');
      await untilWorld('online');
      await vi.waitFor(async () => {
        await trial.clinic.appliance.gateway.reconcileNow();
        expect((await trial.client.visit(visit.visitId)).unresolved).not.toContain('revocation');
      }, RECOVERY);
      const settled = await trial.client.visit(visit.visitId);
      expect(settled.certificate?.revocation).not.toBe('good');
      expect(settled.error).toMatch(/^patient\.revoked-/);
    },
  );
});
