/** What goes wrong at the reader and with the patient, through the API: a typed problem, and the next visit works. */
import { generateKeyPairSync } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ERRORS, type ErrorCode } from '#contract/errors.ts';
import { Problem } from '#contract/http/messages.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { cloneWithKey } from '#drivers/simulated/clone.ts';
import { anchorNetworkId } from './anchor.ts';
import { CounterRefusal } from './counter-client.ts';
import { openClinicSam } from './sam-store.ts';
import { issueSeedCard } from './seed-card.ts';
import { makeVisit } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

const PATIENT = 'mihon-taro';

let trial: TrialClinic;
let acknowledged = 0;
beforeAll(async () => {
  trial = await TrialClinic.open({ limits: { cardWaitMs: 3_000 } });
});
beforeEach(() => trial.place(PATIENT));
/** Whatever happened: the very next visit works. */
afterEach(async () => {
  await trial.clinic.control.run('clear');
  await trial.place(PATIENT);
  expect(await makeVisit(trial.clinic, trial.client)).toMatchObject({
    outcome: 'accepted',
    error: undefined,
  });
  acknowledged += 1;
});
afterAll(async () => {
  const { ok, firstProblem, visitsUnstamped } = await trial.verifyEvidence();
  await trial.close();
  expect({ ok, firstProblem, visitsUnstamped }).toEqual({
    ok: true,
    firstProblem: undefined,
    visitsUnstamped: 0,
  });
  expect(acknowledged).toBeGreaterThan(0);
});

/** The refusal of `call`, which must be a problem document of exactly that row of the error table. */
async function refusalOf(call: Promise<unknown>, code: ErrorCode): Promise<Problem> {
  const refusal = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(refusal instanceof CounterRefusal)) throw new Error(`not refused: ${String(refusal)}`);
  const problem = Problem.parse(refusal.problem);
  const { http, who } = ERRORS[code];
  expect(problem).toMatchObject({
    code,
    status: http,
    who,
    title: ERRORS[code].ja.title,
    next: ERRORS[code].ja.next,
  });
  return problem;
}

describe('the card', () => {
  const PULLED = [0, 1, 4, 7, 9, 12].map((count): [string, number] => [`remove-after ${count}`, count]);
  it.each([...PULLED, ['remove-mid 5', 5] as const, ['remove-mid 10', 10] as const])(
    'pulled in the middle (%s)',
    async (fault) => {
      await trial.clinic.control.run(`fault ${fault}`);
      const { outcome, error, visit } = await makeVisit(trial.clinic, trial.client);
      expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'card.removed' });
      expect(visit).toMatchObject({ eligibility: { source: 'none', results: [] }, visitRecord: 'none' });
    },
  );

  it.each([
    ['truncate 6 1', /^card\./],
    ['garble 7', /^(card|patient)\./],
    ['oversize 6', /^card\./],
    ['answer 28416 4', /^card\./],
  ] as const)('answering wrongly (%s)', async (fault, code) => {
    await trial.clinic.control.run(`fault ${fault}`);
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect(outcome).not.toBe('accepted');
    expect(error).toMatch(code);
  });

  it('falling silent', async () => {
    await trial.clinic.control.run('fault mute 6');
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'card.mute' });
  });

  it('not put down at all', async () => {
    await trial.clinic.control.run('remove');
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'card.not-found' });
  });

  it('two at once', async () => {
    await trial.clinic.control.run('fault two-cards');
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'card.collision' });
  });

  it('of another kind', async () => {
    await trial.place('kakuu-ishi');
    const { outcome, error } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'card.not-my-number-card' });
  });

  it('cloned: the right certificate, another key', async () => {
    const person = trial.clinic.cast.seedOf.get('P0001');
    if (person === undefined) throw new Error('P0001');
    const image = issueSeedCard(trial.clinic.centre.pki, person);
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await trial.place(new SimulatedCard(cloneWithKey(image, privateKey)));
    const { outcome, error, visit } = await makeVisit(trial.clinic, trial.client);
    expect({ outcome, error }).toEqual({ outcome: 'refused', error: 'card.not-genuine' });
    expect(visit).toMatchObject({ eligibility: { source: 'none' }, visitRecord: 'none' });
    expect(visit?.cardId).toBeUndefined();
  });
});

describe('the photo', () => {
  const numberB = (): string => {
    const person = trial.clinic.wallet.get(PATIENT)?.person;
    if (person === undefined) throw new Error(PATIENT);
    return person.verificationNumberB;
  };

  it('opens with 照合番号B and is recorded as compared', async () => {
    const { outcome, visit } = await makeVisit(trial.clinic, trial.client, numberB());
    expect(outcome).toBe('accepted');
    expect(visit?.faceCheck).toEqual({ method: 'card-photo', result: 'match' });
  });

  it('a wrong 照合番号B says so', async () => {
    const wrong = `${numberB().slice(0, -1)}${(Number(numberB().at(-1)) + 1) % 10}`;
    const { outcome, error } = await makeVisit(trial.clinic, trial.client, wrong);
    expect({ outcome, error }).toEqual({ outcome: 'failed', error: 'patient.security-code-wrong' });
  });

  it('cannot be claimed as compared when none was shown', async () => {
    const { client } = trial;
    const { tapId } = await client.startTap();
    await client.consent(tapId, 'ok');
    await client.waitForTap(tapId, 10_000);
    await refusalOf(client.faceCheck(tapId, 'card-photo', 'match'), 'tap.no-photo');
    expect(await client.faceCheck(tapId, 'printed-photo', 'match')).toMatchObject({ outcome: 'accepted' });
  });
});

describe('people', () => {
  it('the patient refuses: recorded, nothing read', async () => {
    const { client } = trial;
    const { tapId } = await client.startTap();
    trial.clinic.meter.take();
    await client.consent(tapId, 'refused');
    const progress = await client.waitForTap(tapId, 10_000);
    expect(progress).toMatchObject({ state: 'failed', error: 'tap.consent-refused' });
    expect(await client.tapVisit(tapId)).toMatchObject({ outcome: 'refused', error: 'tap.consent-refused' });
    expect(trial.clinic.meter.take().filter(({ device }) => device === 'card')).toEqual([]);
    await refusalOf(client.consent(tapId, 'ok'), 'tap.wrong-step');
  });

  it('the face is another: refused and recorded with who compared it', async () => {
    const { client } = trial;
    const { tapId } = await client.startTap();
    await client.consent(tapId, 'ok');
    await client.waitForTap(tapId, 10_000);
    const visit = await client.faceCheck(tapId, 'printed-photo', 'mismatch');
    expect(visit).toMatchObject({
      outcome: 'refused',
      error: 'patient.face-mismatch',
      faceCheck: { method: 'printed-photo', result: 'mismatch' },
      eligibility: { source: 'none', results: [] },
      visitRecord: 'none',
    });
  });

  it('a second tap waits for the first; nobody can skip a step of it', async () => {
    const { client } = trial;
    const { tapId } = await client.startTap();
    const problem = await refusalOf(client.startTap(), 'tap.busy');
    expect(problem.requestId).not.toBe('');
    await refusalOf(client.faceCheck(tapId, 'printed-photo', 'match'), 'tap.wrong-step');
    await client.cancelTap(tapId);
    expect(await client.waitForTap(tapId, 10_000)).toMatchObject({ state: 'failed', error: 'tap.cancelled' });
    await refusalOf(client.consent(tapId, 'ok'), 'tap.wrong-step');
    await refusalOf(client.consent('00000000-0000-4000-8000-000000000000', 'ok'), 'tap.unknown');
  });

  it('the SAM is locked: the tap is refused with what to do, until it is unlocked', async () => {
    const { client } = trial;
    await client.lockSam();
    await refusalOf(client.startTap(), 'sam.locked');
    await client.unlockOnline();
  });

  it('the operator leaves in the middle: the tap ends with the session', async () => {
    const { client } = trial;
    const { tapId } = await client.startTap();
    await client.signOut();
    await refusalOf(client.consent(tapId, 'ok'), 'operator.not-signed-in');
    await trial.signIn();
    expect((await client.snapshot()).tap?.state ?? 'failed').toBe('failed');
  });

  it('a wrong PIN costs one try, is told with the tries left, and the right one gives them back', async () => {
    const { client } = trial;
    await client.signOut();
    await trial.place('kakuu-ishi');
    const { triesLeft = 0 } = await refusalOf(client.signIn('hpki', '9999'), 'operator.pin-wrong');
    expect(triesLeft).toBeGreaterThan(0);
    await trial.signIn();
    await client.signOut();
    await trial.place('kakuu-ishi');
    expect((await refusalOf(client.signIn('hpki', '9999'), 'operator.pin-wrong')).triesLeft).toBe(triesLeft);
    await trial.place('kakuu-ishi');
    await refusalOf(client.signIn('my-number', '1470'), 'card.not-my-number-card');
    await trial.signIn();
  });

  it('one card too often in a day is refused by the limit', async () => {
    const strict = await TrialClinic.open({ limits: { tapsPerCardPerDay: 2 } });
    try {
      await strict.place(PATIENT);
      const outcomes: unknown[] = [];
      for (let made = 0; made < 3; made += 1) {
        const { outcome, error } = await makeVisit(strict.clinic, strict.client);
        outcomes.push([outcome, error]);
      }
      expect(outcomes).toEqual([
        ['accepted', undefined],
        ['accepted', undefined],
        ['failed', 'tap.limit-reached'],
      ]);
    } finally {
      await strict.close();
    }
  });
});

describe('the SAM', () => {
  /** Another chip would be another SAM: this is the same one, put back. */
  const putBack = async ({ clinic, folder }: TrialClinic): Promise<void> => {
    await clinic.readers.samSlot.insert(
      await openClinicSam(folder, clinic.centre, anchorNetworkId(clinic.anchor)),
    );
  };
  const missing = async (one: TrialClinic): Promise<string | undefined> =>
    (await one.client.snapshot()).missing;

  it('pulled out: the tap ends, the screen says so; put back, it opens by itself', async () => {
    const { client, clinic } = trial;
    const { tapId } = await client.startTap();
    await clinic.readers.samSlot.remove();
    expect(await client.waitForTap(tapId, 10_000)).toMatchObject({ state: 'failed', error: 'sam.absent' });
    await refusalOf(client.startTap(), 'sam.absent');
    expect(await missing(trial)).toBe('sam.absent');
    await putBack(trial);
    await expect.poll(async () => (await client.snapshot()).ready).toBe(true);
  });

  it('not there at the start: the page is up and says so; put in, everything works and is provable', async () => {
    const late = await TrialClinic.open({
      signedIn: false,
      beforeStart: ({ readers }) => void readers.samSlot.remove(),
    });
    try {
      expect(await missing(late)).toBe('sam.absent');
      await putBack(late);
      await expect.poll(async () => (await late.client.snapshot()).facts.sam).toBe('unlocked');
      await late.signIn();
      await late.place(PATIENT);
      expect(await makeVisit(late.clinic, late.client)).toMatchObject({ outcome: 'accepted' });
      expect(await late.verifyEvidence()).toMatchObject({
        ok: true,
        visitsUnstamped: 0,
        deviceCertificates: 'trusted',
      });
    } finally {
      await late.close();
    }
  });
});
