/**
 * One service of the centre fails in one way, and the patient still stands at the counter: the visit ends within a
 * bounded time, says in a typed reason what is missing, loses nothing, and the evidence verifies.
 */
import { describe, expect, it, vi } from 'vitest';
import type { ServiceFaults } from '#centre/http/faults.ts';
import type { Visit } from '#contract/visit.ts';
import { CounterRefusal } from './counter-client.ts';
import { makeVisit, settledVisit } from './tap-run.ts';
import { TrialClinic } from './testdata/trial-clinic.ts';

type Fault = 'down' | 'slow' | 'garbage' | 'wrong TLS certificate';

const FAULTS: Readonly<Record<Fault, Partial<ServiceFaults>>> = {
  down: { down: true },
  // Longer than every deadline.
  slow: { delayMs: 60_000 },
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

/** The longest deadline on a tap's way is 3 s; the rest is room for a machine that does other work. */
const FIRST_VISIT_MS = 10_000;
/** Once a service is known to fail nobody waits for it. */
const LATER_VISIT_MS = 2_500;
const RECOVERY = { timeout: 40_000, interval: 50 };

async function visitWithin(trial: TrialClinic, limitMs: number): Promise<Visit> {
  const { visit, outcome, totalMs, error } = await makeVisit(trial.clinic, trial.client);
  expect({ outcome, error }).toEqual({ outcome: 'accepted', error: undefined });
  expect(totalMs).toBeLessThan(limitMs);
  if (visit === undefined) throw new Error('accepted without a visit');
  return visit;
}

/** Two visits under the fault: the one that finds it out, and the one that profits. */
async function visitTwice(trial: TrialClinic): Promise<Visit[]> {
  return [await visitWithin(trial, FIRST_VISIT_MS), await visitWithin(trial, LATER_VISIT_MS)];
}

async function recover(trial: TrialClinic): Promise<void> {
  for (const faults of Object.values(trial.clinic.centre.faults)) faults.clear();
  await vi.waitFor(async () => expect((await trial.client.snapshot()).mode).toBe('online'), RECOVERY);
}

/** Everything that was acknowledged has arrived once; the evidence stands. */
async function expectNothingLost(trial: TrialClinic, visits: readonly Visit[]): Promise<void> {
  for (const visit of visits) {
    expect((await settledVisit(trial.client, visit, RECOVERY.timeout)).visitRecord).toBe('delivered');
    expect(trial.clinic.centre.visits.find(visit.visitId)?.record.evidence).toEqual(visit.evidence);
  }
  expect(trial.clinic.centre.visits.counts().visits).toBe(visits.length);
  const { ok, firstProblem } = await trial.verifyEvidence();
  expect({ ok, firstProblem }).toEqual({ ok: true, firstProblem: undefined });
}

/** One clinic for each fault, so that its waits run beside those of the others. */
async function withClinic(body: (trial: TrialClinic, first: Visit) => Promise<void>): Promise<void> {
  const trial = await TrialClinic.open();
  try {
    await trial.place('P0001');
    const first = await visitWithin(trial, FIRST_VISIT_MS);
    await body(trial, first);
  } finally {
    await trial.close();
  }
}

const EACH_FAULT = Object.keys(FAULTS) as Fault[];
/** OCSP, CRL and time stamps are signed in themselves and come over plain HTTP. */
const PLAIN_FAULTS = EACH_FAULT.filter((fault) => fault !== 'wrong TLS certificate');

describe.concurrent('eligibility', () => {
  it.each(EACH_FAULT)('%s: the last known insurance is shown with the reason', (fault) =>
    withClinic(async (trial, first) => {
      trial.clinic.centre.faults.eligibility.set(FAULTS[fault]);
      const visits = await visitTwice(trial);
      for (const visit of visits) {
        expect(visit).toMatchObject({
          mode: 'degraded',
          certificate: { revocation: 'good' },
          eligibility: { source: 'last-known', validity: 'valid', reason: REASON[fault] },
        });
        expect(visit.unresolved).toContain('eligibility');
      }
      const [oldest] = (await trial.client.unresolvedVisits()).filter(({ open }) =>
        open.includes('eligibility'),
      );
      expect(oldest?.reason).toBe(REASON[fault]);
      await recover(trial);
      await expectNothingLost(trial, [first, ...visits]);
    }),
  );
});

describe.concurrent('visit history', () => {
  it.each(EACH_FAULT)('%s: visits wait in the outbox, are shown as queued, and arrive once', (fault) =>
    withClinic(async (trial, first) => {
      await settledVisit(trial.client, first, RECOVERY.timeout);
      trial.clinic.centre.faults.visitHistory.set(FAULTS[fault]);
      const visits = await visitTwice(trial);
      expect(visits.map(({ visitRecord }) => visitRecord)).toEqual(['queued', 'queued']);
      expect(visits.map(({ eligibility }) => eligibility.source)).toEqual(['now', 'now']);
      await vi.waitFor(
        async () =>
          expect(await trial.client.snapshot()).toMatchObject({
            mode: 'degraded',
            outboxWaiting: 2,
            facts: { centre: { history: false } },
          }),
        RECOVERY,
      );
      await recover(trial);
      await expectNothingLost(trial, [first, ...visits]);
    }),
  );
});

describe.concurrent('service provider', () => {
  it.each(EACH_FAULT)('%s: visits go on; unlocking says why it cannot', (fault) =>
    withClinic(async (trial, first) => {
      trial.clinic.centre.faults.serviceProvider.set(FAULTS[fault]);
      const visits = await visitTwice(trial);
      for (const visit of visits) expect(visit.eligibility.source).toBe('now');
      const refusal = await trial.client.unlockOnline().catch((thrown: unknown) => thrown);
      expect(refusal).toBeInstanceOf(CounterRefusal);
      expect((refusal as CounterRefusal).code).toBe(REASON[fault]);
      expect(await trial.client.snapshot()).toMatchObject({ mode: 'degraded', facts: { sam: 'unlocked' } });
      await recover(trial);
      await trial.client.unlockOnline();
      await expectNothingLost(trial, [first, ...visits]);
    }),
  );
});

describe.concurrent('OCSP', () => {
  it.each(PLAIN_FAULTS)('%s: the list that was fetched before answers instead', (fault) =>
    withClinic(async (trial, first) => {
      trial.clinic.centre.faults.ocsp.set(FAULTS[fault]);
      const visits = await visitTwice(trial);
      for (const visit of visits) {
        expect(visit).toMatchObject({ certificate: { revocation: 'good' }, eligibility: { source: 'now' } });
        expect(visit.unresolved).not.toContain('revocation');
      }
      await trial.place('P0007');
      const refused = await makeVisit(trial.clinic, trial.client);
      expect(refused).toMatchObject({ outcome: 'refused', error: 'patient.revoked-affiliation-changed' });
      await recover(trial);
      await expectNothingLost(trial, [first, ...visits]);
    }),
  );
});

describe.concurrent('CRL', () => {
  it.each(PLAIN_FAULTS)('%s: nobody notices while OCSP answers', (fault) =>
    withClinic(async (trial, first) => {
      trial.clinic.centre.faults.crl.set(FAULTS[fault]);
      const visits = await visitTwice(trial);
      for (const visit of visits)
        expect(visit).toMatchObject({ mode: 'online', certificate: { revocation: 'good' } });
      await recover(trial);
      await expectNothingLost(trial, [first, ...visits]);
    }),
  );

  it.each(PLAIN_FAULTS)(
    '%s together with OCSP from the start: revocation is unknown and stays open',
    async (fault) => {
      const trial = await TrialClinic.open({
        beforeStart: ({ centre }) => {
          centre.faults.crl.set(FAULTS[fault]);
          centre.faults.ocsp.set(FAULTS[fault]);
        },
      });
      try {
        await trial.place('P0001');
        const visits = await visitTwice(trial);
        for (const visit of visits) {
          expect(visit).toMatchObject({
            mode: 'degraded',
            certificate: { revocation: 'unknown' },
            eligibility: { source: 'now' },
          });
          expect(visit.unresolved).toContain('revocation');
        }
        const listed = await trial.client.unresolvedVisits();
        expect(listed.map(({ reason }) => reason)).toEqual(['revocation.unknown', 'revocation.unknown']);
        await recover(trial);
        await trial.clinic.appliance.gateway.reconcileNow();
        for (const { visitId } of visits) {
          expect(await trial.client.visit(visitId)).toMatchObject({ certificate: { revocation: 'good' } });
        }
        await expectNothingLost(trial, visits);
      } finally {
        await trial.close();
      }
    },
  );
});

describe.concurrent('time stamps', () => {
  it.each(PLAIN_FAULTS)(
    '%s at unlock: visits are stamped by the SAM all the same, their time is just not proven',
    async (fault) => {
      const trial = await TrialClinic.open({
        beforeStart: ({ centre }) => centre.faults.tsa.set(FAULTS[fault]),
      });
      try {
        await trial.place('P0001');
        const visits = await visitTwice(trial);
        const report = await trial.verifyEvidence();
        expect(report).toMatchObject({ ok: true, visitsUnstamped: 0, anchorsVerified: 0 });
        await recover(trial);
        // The next unlock is anchored, and with it everything before is older than its time stamp.
        await trial.client.lockSam();
        await vi.waitFor(() => trial.client.unlockOnline(), RECOVERY);
        visits.push(await visitWithin(trial, FIRST_VISIT_MS));
        await vi.waitFor(
          async () => expect(await trial.verifyEvidence()).toMatchObject({ ok: true, anchorsVerified: 1 }),
          RECOVERY,
        );
        const { provenIntervals } = await trial.verifyEvidence();
        expect(provenIntervals.map(({ notAfterMs }) => typeof notAfterMs)).toEqual([
          'number',
          'number',
          'number',
        ]);
        await expectNothingLost(trial, visits);
      } finally {
        await trial.close();
      }
    },
  );
});
