import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { type RunningAnchor, startAnchor } from '#anchor/start.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { LOOPBACK } from './anchor.ts';
import { CLINIC } from './identity.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

let trial: TrialClinic;
let other: RunningAnchor | undefined;
afterEach(async () => {
  await other?.close();
  other = undefined;
  await trial.close();
});

const until = (fits: (snapshot: GatewaySnapshot) => unknown): Promise<void> =>
  expect.poll(async () => Boolean(fits(await trial.client.snapshot()))).toBe(true);

/** An anchor where the clinic's was: with its key, or with another. */
async function standIn(folder: string): Promise<RunningAnchor> {
  const anchor = await startAnchor({
    folder: join(trial.folder, folder),
    host: LOOPBACK,
    port: trial.clinic.anchor.port,
  });
  anchor.devices.set(CLINIC.samId, 'registered');
  return anchor;
}

describe('a whole clinic', () => {
  test('locks when its anchor falls silent, says why, and works again without hands when it is back', async () => {
    trial = await TrialClinic.open({ graceMs: 1_500 });
    const before = await trial.client.snapshot();
    expect(before.facts).toMatchObject({ network: 'registered', sam: 'unlocked' });
    expect(before.lease).toMatchObject({ graceMs: 1_500 });
    expect(before.lease?.lastEnd).toBeUndefined();

    await trial.clinic.anchor.close();
    await until(({ facts }) => facts.network === 'foreign');
    const away = await trial.client.snapshot();
    expect(away.missing).toBe('network.foreign');
    expect(away.facts.sam).not.toBe('unlocked');
    expect(away.facts.operator).toBeUndefined();
    expect(away.lease?.lastEnd?.reason).toBe('anchor-silent');

    // Another key on the same address and port is another network.
    other = await standIn('stranger');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    expect((await trial.client.snapshot()).facts.network).toBe('foreign');
    await other.close();

    other = await standIn('anchor');
    const backAtMs = performance.now();
    await until(({ facts }) => facts.network === 'registered' && facts.sam === 'unlocked');
    process.stdout.write(`anchor back -> SAM unlocked: ${(performance.now() - backAtMs).toFixed(0)} ms\n`);
    const { lease } = await trial.client.snapshot();
    expect(lease?.lastEnd?.reason).toBe('anchor-silent');
    expect(Date.parse(lease?.since ?? '')).toBeGreaterThan(Date.parse(lease?.lastEnd?.at ?? ''));
    expect((await trial.verifyEvidence()).ok).toBe(true);
  }, 60_000);

  test('locks when its device is revoked at the anchor', async () => {
    trial = await TrialClinic.open();
    trial.clinic.anchor.devices.set(CLINIC.samId, 'revoked');
    await until(({ facts }) => facts.network === 'foreign');
    expect((await trial.client.snapshot()).lease?.lastEnd?.reason).toBe('device-revoked');
  });
});
