/**
 * One service of the centre fails in one way, and the patient still stands at the counter: the visit ends within a
 * bounded time, says in a typed reason what is missing, loses nothing, and the evidence verifies.
 */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { ServiceFaults } from '#centre/http/faults.ts';
import type { Visit } from '#contract/visit.ts';
import { CounterRefusal } from './counter-client.ts';
import { makeVisit, settledVisit } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

type Fault = 'down' | 'slow' | 'garbage' | 'wrong TLS certificate';

/** Longer than every deadline. */
const SLOW_MS = 60_000;

const FAULTS: Readonly<Record<Fault, Partial<ServiceFaults>>> = {
  down: { down: true },
  slow: { delayMs: SLOW_MS },
  garbage: { garbage: true },
  'wrong TLS certificate': { wrongTlsCertificate: true },
};

/** What the screen says about a question that the service did not answer. */
const REASON: Readonly<Record<Fault, string>> = {
  down: 'centre.unreachable',
  slow: 'centre.timeout',
  garbage: 'centre.garbled',
  'wrong TLS certificate': 'centre.untrusted',
};

/** Who waits for a slow service takes longer. The longest deadline on a tap's way is 3 s; a busy machine may need the rest. */
const FIRST_VISIT_MS = SLOW_MS / 2;
/** Once a service is known to fail nobody waits for its deadline: a wait would delay every visit, other work only some. */
const LATER_VISIT_MS = 2_500;
const LATER_VISITS = 3;
const RECOVERY = { timeout: 40_000, interval: 50 };

/** Everything that was acknowledged, in each clinic. */
const received = new Map<TrialClinic, Visit[]>();

async function timedVisit(trial: TrialClinic, limitMs: number): Promise<{ visit: Visit; totalMs: number }> {
  const { visit, outcome, totalMs, error } = await makeVisit(trial.clinic, trial.client);
  expect({ outcome, error }).toEqual({ outcome: 'accepted', error: undefined });
  if (visit === undefined) throw new Error('accepted without a visit');
  received.set(trial, [...(received.get(trial) ?? []), visit]);
  expect(totalMs).toBeLessThan(limitMs);
  return { visit, totalMs };
}

async function firstVisit(trial: TrialClinic): Promise<Visit> {
  return (await timedVisit(trial, FIRST_VISIT_MS)).visit;
}

/** One visit, or the first of a few that nothing else has delayed. */
async function laterVisits(trial: TrialClinic): Promise<Visit[]> {
  const visits: Visit[] = [];
  let fastestMs = Number.POSITIVE_INFINITY;
  while (fastestMs >= LATER_VISIT_MS && visits.length < LATER_VISITS) {
    const { visit, totalMs } = await timedVisit(trial, FIRST_VISIT_MS);
    visits.push(visit);
    fastestMs = Math.min(fastestMs, totalMs);
  }
  expect(fastestMs).toBeLessThan(LATER_VISIT_MS);
  return visits;
}

/** Under the fault: the visit that finds it out, and those that profit. */
async function visitAgain(trial: TrialClinic): Promise<Visit[]> {
  return [await firstVisit(trial), ...(await laterVisits(trial))];
}

async function recover(trial: TrialClinic): Promise<void> {
  for (const faults of Object.values(trial.clinic.centre.faults)) faults.clear();
  await vi.waitFor(async () => expect((await trial.client.snapshot()).mode).toBe('online'), RECOVERY);
}

/** Everything that was acknowledged has arrived once; the evidence stands. */
async function expectNothingLost(trial: TrialClinic): Promise<void> {
  const visits = received.get(trial) ?? [];
  for (const visit of visits) {
    expect((await settledVisit(trial.client, visit, RECOVERY.timeout)).visitRecord).toBe('delivered');
    expect(trial.clinic.centre.visits.find(visit.visitId)?.record.evidence).toEqual(visit.evidence);
  }
  expect(trial.clinic.centre.visits.counts().visits).toBe(visits.length);
  const { ok, firstProblem } = await trial.verifyEvidence();
  expect({ ok, firstProblem }).toEqual({ ok: true, firstProblem: undefined });
}

const EACH_FAULT = Object.keys(FAULTS) as Fault[];
/** OCSP, CRL and time stamps are signed in themselves and come over plain HTTP. */
const PLAIN_FAULTS = EACH_FAULT.filter((fault) => fault !== 'wrong TLS certificate');

/** One clinic for each fault: their waits run side by side. Opened before, because opening leaves no time for others. */
const clinics = new Map<Fault, { readonly trial: TrialClinic; turn: Promise<unknown> }>();

beforeAll(async () => {
  for (const fault of EACH_FAULT) {
    const trial = await TrialClinic.open();
    await trial.place('P0001');
    const visit = await firstVisit(trial);
    await trial.client.link(visit.cardId ?? '', '00012345');
    clinics.set(fault, { trial, turn: Promise.resolve() });
  }
});
afterAll(async () => {
  for (const { trial } of clinics.values()) await trial.close();
});

/** Runs `body` when the one before it in the same clinic is over, with everything in order; then all visits must be there. */
function inClinicOf(fault: Fault, body: (trial: TrialClinic) => Promise<void>): Promise<void> {
  const clinic = clinics.get(fault);
  if (clinic === undefined) throw new RangeError(fault);
  const { trial } = clinic;
  const run = clinic.turn.then(async () => {
    await trial.place('P0001');
    try {
      await body(trial);
    } finally {
      await recover(trial);
    }
    await expectNothingLost(trial);
  });
  clinic.turn = run.catch(() => undefined);
  return run;
}

describe.concurrent('eligibility', () => {
  it.each(EACH_FAULT)('%s: the last known insurance is shown with the reason', (fault) =>
    inClinicOf(fault, async (trial) => {
      trial.clinic.centre.faults.eligibility.set(FAULTS[fault]);
      const visits = await visitAgain(trial);
      for (const visit of visits) {
        expect(visit).toMatchObject({
          mode: 'degraded',
          certificate: { revocation: 'good' },
          eligibility: { source: 'last-known', validity: 'valid', reason: REASON[fault] },
        });
        expect(visit.unresolved).toEqual(['eligibility']);
      }
      const [oldest] = (await trial.client.unresolvedVisits()).filter(({ open }) =>
        open.includes('eligibility'),
      );
      expect(oldest?.reason).toBe(REASON[fault]);
    }),
  );
});

describe.concurrent('visit history', () => {
  it.each(EACH_FAULT)('%s: visits wait in the outbox, are shown as queued, and arrive once', (fault) =>
    inClinicOf(fault, async (trial) => {
      trial.clinic.centre.faults.visitHistory.set(FAULTS[fault]);
      const visits = await visitAgain(trial);
      for (const visit of visits)
        expect(visit).toMatchObject({ visitRecord: 'queued', eligibility: { source: 'now' } });
      await vi.waitFor(
        async () =>
          expect(await trial.client.snapshot()).toMatchObject({
            mode: 'degraded',
            outboxWaiting: visits.length,
            facts: { centre: { history: false } },
          }),
        RECOVERY,
      );
    }),
  );
});

describe.concurrent('service provider', () => {
  it.each(EACH_FAULT)('%s: visits go on; unlocking says why it cannot', (fault) =>
    inClinicOf(fault, async (trial) => {
      trial.clinic.centre.faults.serviceProvider.set(FAULTS[fault]);
      const visits = await visitAgain(trial);
      for (const visit of visits) expect(visit.eligibility.source).toBe('now');
      const refusal = await trial.client.unlockOnline().catch((thrown: unknown) => thrown);
      expect(refusal).toBeInstanceOf(CounterRefusal);
      expect((refusal as CounterRefusal).code).toBe(REASON[fault]);
      expect(await trial.client.snapshot()).toMatchObject({ mode: 'degraded', facts: { sam: 'unlocked' } });
    }),
  );
});

describe.concurrent('OCSP', () => {
  it.each(PLAIN_FAULTS)('%s: the list that was fetched before answers instead', (fault) =>
    inClinicOf(fault, async (trial) => {
      trial.clinic.centre.faults.ocsp.set(FAULTS[fault]);
      const visits = await visitAgain(trial);
      for (const visit of visits) {
        expect(visit).toMatchObject({ certificate: { revocation: 'good' }, eligibility: { source: 'now' } });
        expect(visit.unresolved).not.toContain('revocation');
      }
      await trial.place('P0007');
      const refused = await makeVisit(trial.clinic, trial.client);
      expect(refused).toMatchObject({ outcome: 'refused', error: 'patient.revoked-affiliation-changed' });
    }),
  );
});

describe.concurrent('CRL', () => {
  it.each(PLAIN_FAULTS)('%s: nobody notices while OCSP answers', (fault) =>
    inClinicOf(fault, async (trial) => {
      trial.clinic.centre.faults.crl.set(FAULTS[fault]);
      const visits = await visitAgain(trial);
      for (const visit of visits)
        expect(visit).toMatchObject({ mode: 'online', certificate: { revocation: 'good' } });
    }),
  );
});

describe.concurrent('time stamps', () => {
  it.each(PLAIN_FAULTS)(
    '%s at unlock: visits are stamped all the same, and their time is proven later',
    (fault) =>
      inClinicOf(fault, async (trial) => {
        const { anchorsVerified } = await trial.verifyEvidence();
        trial.clinic.centre.faults.tsa.set(FAULTS[fault]);
        await trial.client.lockSam();
        await trial.client.unlockOnline();
        await visitAgain(trial);
        expect(await trial.verifyEvidence()).toMatchObject({ ok: true, visitsUnstamped: 0, anchorsVerified });
        trial.clinic.centre.faults.tsa.clear();
        await vi.waitFor(async () => {
          await trial.clinic.appliance.gateway.reconcileNow();
          expect((await trial.verifyEvidence()).anchorsVerified).toBe(anchorsVerified + 1);
        }, RECOVERY);
        const { provenIntervals } = await trial.verifyEvidence();
        for (const { notBeforeMs, notAfterMs } of provenIntervals) {
          expect(notAfterMs).toBeGreaterThan(notBeforeMs ?? Number.POSITIVE_INFINITY);
        }
      }),
  );
});

describe('OCSP and CRL together', () => {
  it.each(PLAIN_FAULTS)(
    '%s from the start: revocation is unknown, stays open, and is settled later',
    async (fault) => {
      const trial = await TrialClinic.open({
        beforeStart: ({ centre }) => {
          centre.faults.crl.set(FAULTS[fault]);
          centre.faults.ocsp.set(FAULTS[fault]);
        },
      });
      try {
        await trial.place('P0001');
        const visits = [await firstVisit(trial)];
        await trial.client.link(visits[0]?.cardId ?? '', '00012345');
        visits.push(...(await laterVisits(trial)));
        for (const visit of visits) {
          expect(visit).toMatchObject({
            mode: 'degraded',
            certificate: { revocation: 'unknown' },
            eligibility: { source: 'now' },
          });
        }
        expect(visits[1]?.unresolved).toEqual(['revocation']);
        const listed = await trial.client.unresolvedVisits();
        expect(listed.map(({ open, reason }) => ({ open, reason }))).toEqual(
          visits.map(() => ({ open: ['revocation'], reason: 'revocation.unknown' })),
        );
        await recover(trial);
        await trial.clinic.appliance.gateway.reconcileNow();
        for (const { visitId } of visits) {
          expect(await trial.client.visit(visitId)).toMatchObject({ certificate: { revocation: 'good' } });
        }
        await expectNothingLost(trial);
      } finally {
        await trial.close();
      }
    },
  );
});
