/** The machine under the card goes away: the tap says so, and SAM and operator need nobody when it is back. */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { makeVisit, type TapReport } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

const PATIENT = 'mihon-taro';
const RECOVERY = { timeout: 20_000, interval: 20 };

let trial: TrialClinic;
let reader: SimulatedReader;
beforeAll(async () => {
  trial = await TrialClinic.open();
  const { cardSlot } = trial.clinic.readers;
  if (!(cardSlot instanceof SimulatedReader)) throw new Error('these faults are made in process');
  reader = cardSlot;
});
afterEach(async () => {
  await trial.clinic.control.run('clear');
  reader.plugIn();
  await untilReader('ready');
});
afterAll(async () => {
  const report = await trial.verifyEvidence().finally(() => trial.close());
  expect(report).toMatchObject({ ok: true, visitsUnstamped: 0 });
});

const untilReader = (state: 'ready' | 'faulted'): Promise<void> =>
  vi.waitFor(async () => expect((await trial.client.snapshot()).facts.reader).toBe(state), RECOVERY);

async function visit(): Promise<TapReport> {
  await trial.place(PATIENT);
  return makeVisit(trial.clinic, trial.client);
}

async function expectNobodyWasNeeded(): Promise<void> {
  const { facts, ready } = await trial.client.snapshot();
  expect(ready).toBe(true);
  expect(facts).toMatchObject({ sam: 'unlocked', operator: { displayName: expect.any(String) } });
  expect(await visit()).toMatchObject({ outcome: 'accepted', error: undefined });
  // The same unlock goes on: it was neither renewed nor lost.
  expect((await trial.client.snapshot()).facts.samUsesLeft).toBe(facts.samUsesLeft - 1);
}

describe('the reader goes', () => {
  it.each([0, 1, 3, 6, 10])('in the middle of a tap, after %i commands', async (count) => {
    reader.faults.push({
      name: 'unplug',
      handle: (exchange) => {
        if (exchange.count <= count) return undefined;
        reader.unplug();
        return Promise.resolve({ kind: 'mute' });
      },
    });
    expect(await visit()).toMatchObject({ outcome: 'failed', error: 'reader.unreachable' });
    reader.faults.length = 0;
    reader.plugIn();
    await untilReader('ready');
    await expectNobodyWasNeeded();
  });

  it('and a tap that waits for the card does not notice', async () => {
    await trial.clinic.control.run('remove');
    const { tapId } = await trial.client.startTap({});
    await trial.client.consent(tapId, 'ok');
    reader.unplug();
    await untilReader('faulted');
    reader.plugIn();
    await trial.clinic.readers.cardSlot.insert(trial.cardOf(PATIENT));
    expect((await trial.client.waitForTap(tapId, 10_000)).state).toBe('faceCheck');
    await trial.client.faceCheck(tapId, 'printed-photo', 'match');
    await expectNobodyWasNeeded();
  });

  it('while nobody is there: a tap is refused until it is back', async () => {
    reader.unplug();
    await untilReader('faulted');
    expect(await trial.client.snapshot()).toMatchObject({ ready: false, missing: 'reader.unreachable' });
    reader.plugIn();
    await untilReader('ready');
    await expectNobodyWasNeeded();
  });

  it('and the status page counts it', async () => {
    const { readerHealth } = await trial.client.snapshot();
    const [fault] = readerHealth.faults;
    expect(fault?.code).toBe('reader.unreachable');
    expect(readerHealth.recoveries).toBe(fault?.count);
    expect(readerHealth.cardsSeen).toBeGreaterThan(10);
  });
});
