/** Two browsers at one reader, over HTTPS: whose sign-in waits, what frees the seat, whom the last try belongs to. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CounterClient } from './counter-client.ts';
import { DOCTOR, TrialClinic } from './testing/trial-clinic.ts';

const CLERK = 'kakuu-jimu';

let trial: TrialClinic;
let one: CounterClient;
let other: CounterClient;
beforeEach(async () => {
  trial = await TrialClinic.open({ signedIn: false, limits: { cardWaitMs: 60_000, operatorFailures: 10 } });
  [one, other] = [browser(), browser()];
  // Its connection is open: what it asks for is there at once.
  await one.snapshot();
});
afterEach(async () => {
  one.close();
  other.close();
  await trial.close();
});

const browser = (): CounterClient =>
  new CounterClient(trial.clinic.appliance.url, trial.clinic.installed.caPem);

interface Wish {
  readonly person?: string;
  readonly pin?: string;
  readonly acceptLastTry?: boolean;
  readonly signal?: AbortSignal;
}

function signIn(client: CounterClient, wish: Wish = {}): Promise<unknown> {
  const { person: id = DOCTOR, pin, acceptLastTry = false, signal } = wish;
  const person = trial.clinic.wallet.get(id)?.person;
  if (person === undefined) throw new RangeError(`no such operator: ${id}`);
  const cardKind = person.variant === 'hpki' ? 'hpki' : 'my-number';
  return client.call('POST', '/v1/session', { cardKind, pin: pin ?? person.pin, acceptLastTry }, signal);
}

const operator = async () => (await one.snapshot()).facts.operator;

test('another browser is refused while one waits, and does not end its wait', async () => {
  const waiting = signIn(one);
  await expect(signIn(other)).rejects.toMatchObject({ code: 'reader.busy' });
  await trial.place(DOCTOR);
  await waiting;
  expect(await operator()).toBeDefined();
  // The session is the one browser's alone.
  await expect(other.visitsOfDay('2026-11-21')).rejects.toMatchObject({ code: 'operator.not-signed-in' });
  await one.visitsOfDay('2026-11-21');
});

test('a connection that drops frees the seat', async () => {
  const page = new AbortController();
  const waiting = signIn(one, { signal: page.signal });
  await expect(signIn(other)).rejects.toMatchObject({ code: 'reader.busy' });
  page.abort();
  await expect(waiting).rejects.toThrow();
  await vi.waitFor(() => expect(trial.logLines.join('')).toContain('"code":"tap.cancelled"'), {
    timeout: 30_000,
  });
  const next = signIn(other);
  await trial.place(DOCTOR);
  await next;
  expect(await operator()).toBeDefined();
});

test('the last try of a PIN belongs to the browser that was told of it', async () => {
  const place = () => trial.place(CLERK);
  const wrong = { person: CLERK, pin: '9999' };
  for (const _try of [1, 2]) {
    await place();
    await expect(signIn(one, wrong)).rejects.toMatchObject({ code: 'operator.pin-wrong' });
  }
  await place();
  const lastTry = { code: 'operator.pin-last-try' };
  await expect(signIn(one, { person: CLERK })).rejects.toMatchObject(lastTry);
  await expect(signIn(other, { ...wrong, acceptLastTry: true })).rejects.toMatchObject(lastTry);
  await signIn(one, { person: CLERK, acceptLastTry: true });
  expect(await operator()).toBeDefined();
});
