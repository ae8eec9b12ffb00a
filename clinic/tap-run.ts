/** Makes visits through the public API of a running clinic, as a counter screen would. */
import type { TapProgress } from '#contract/snapshot.ts';
import type { Visit } from '#contract/visit.ts';
import type { Surroundings } from './clinic.ts';
import type { CounterClient } from './counter-client.ts';
import { type TapTimes, tapTimes } from './critical-path.ts';

export interface TapReport extends TapTimes {
  readonly outcome: Visit['outcome'] | 'failed';
  readonly error: string | undefined;
  readonly visit: Visit | undefined;
  readonly totalMs: number;
}

const LONGEST_TAP_MS = 60_000;

async function waitForPause(client: CounterClient, tapId: string): Promise<TapProgress> {
  for (;;) {
    const progress = await client.waitForTap(tapId, LONGEST_TAP_MS);
    if (['faceCheck', 'done', 'failed'].includes(progress.state)) return progress;
  }
}

/** Signs in with an operator's card on the reader, and takes the card away again. */
export async function signInWith(
  clinic: Pick<Surroundings, 'wallet' | 'control'>,
  client: CounterClient,
  operatorId: string,
): Promise<void> {
  const person = clinic.wallet.get(operatorId)?.person;
  if (person === undefined) throw new RangeError(`no such operator: ${operatorId}`);
  await clinic.control.run(`insert ${operatorId}`);
  await client.signIn(person.variant === 'hpki' ? 'hpki' : 'my-number', person.pin);
  await clinic.control.run('remove');
}

/** One visit with the card that lies on the reader. Wall time runs from OK to the durable visit. */
export async function makeVisit(
  clinic: Pick<Surroundings, 'meter'>,
  client: CounterClient,
  verificationNumberB?: string,
): Promise<TapReport> {
  const { tapId } = await client.startTap({ verificationNumberB });
  clinic.meter.take();
  const startMs = performance.now();
  await client.consent(tapId, 'ok');
  const progress = await waitForPause(client, tapId);
  const method = verificationNumberB === undefined ? 'printed-photo' : 'card-photo';
  const visit =
    progress.state === 'faceCheck'
      ? await client.faceCheck(tapId, method, 'match')
      : await client.tapVisit(tapId).catch(() => undefined);
  const totalMs = Math.round((performance.now() - startMs) * 100) / 100;
  return {
    outcome: visit?.outcome ?? 'failed',
    error: visit?.error ?? progress.error,
    visit,
    totalMs,
    ...tapTimes(clinic.meter.take()),
  };
}

/** The visit as it is once the outbox had its chance; gives up after `waitMs`. */
export async function settledVisit(client: CounterClient, visit: Visit, waitMs: number): Promise<Visit> {
  const endMs = performance.now() + waitMs;
  let now = visit;
  while (now.visitRecord === 'queued' && performance.now() < endMs) {
    now = await client.visit(visit.visitId);
    if (now.visitRecord === 'queued') await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return now;
}
