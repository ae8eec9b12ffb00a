/** Leave for a home visit, and a box that is stolen: in a whole clinic, over HTTPS, with the anchor and the SP as they are. */
import { execFileSync } from 'node:child_process';
import { createHash, type KeyObject } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type RunningAnchor, startAnchor } from '#anchor/start.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import { exportEvidence } from '#store/export.ts';
import { LOOPBACK } from './anchor.ts';
import { CLINIC } from './identity.ts';
import { makeVisit } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';
import { enterWorld } from './world.ts';

const ADMINISTRATOR = 'kakuu-jimu';
const NURSE = 'kakuu-kango';
const DOCTOR = 'kakuu-ishi';
const HOUR_MS = 3_600_000;

let trial: TrialClinic;
let back: RunningAnchor | undefined;
afterEach(async () => {
  const report = await trial.verifyEvidence().finally(() => trial.close());
  await back?.close();
  back = undefined;
  expect(report.ok).toBe(true);
});

const until = (fits: (snapshot: GatewaySnapshot) => unknown): Promise<void> =>
  expect.poll(async () => Boolean(fits(await trial.client.snapshot()))).toBe(true);

function personOf(id: string) {
  const { person, publicKey } = trial.clinic.wallet.get(id)!;
  const spki = (publicKey as KeyObject).export({ type: 'spki', format: 'der' });
  const cardKind = person.variant === 'hpki' ? ('hpki' as const) : ('my-number' as const);
  const operatorId = createHash('sha256').update(spki).digest('hex').slice(0, 16);
  return { pin: person.pin, cardKind, operatorId, publicKey: publicKey as KeyObject };
}

const codeOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'done',
    (thrown: { code?: string }) => thrown.code,
  );

async function grant(more: object = {}): Promise<CarryOutStatus> {
  const { cardKind, pin } = personOf(ADMINISTRATOR);
  const { operatorId } = personOf(NURSE);
  const wish = {
    until: new Date(Date.now() + 4 * HOUR_MS).toISOString(),
    maxUses: 2,
    operators: [operatorId],
  };
  await trial.place(ADMINISTRATOR);
  try {
    return await trial.client.call('POST', '/v1/permit', { ...wish, cardKind, pin, ...more });
  } finally {
    await trial.clinic.control.run('remove');
  }
}

function recordsOf(kind: string): Record<string, string>[] {
  const file = join(trial.folder, 'home-visit.txt');
  exportEvidence(trial.clinic.appliance.databasePath, file);
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line.includes(`"kind":"${kind}"`));
  return entries.map((line) => JSON.parse(line.slice(line.indexOf('{'))).record);
}

describe('a home visit', () => {
  it('is granted by a card, works without any network, and ends by coming home', async () => {
    trial = await TrialClinic.open({ signedIn: false, graceMs: 1_500 });
    await trial.signIn(ADMINISTRATOR);
    expect(await grant()).toMatchObject({ usesLeft: 2 });

    await trial.clinic.anchor.close();
    enterWorld(trial.clinic.centre, 'offline');
    await until(({ facts }) => facts.network === 'foreign' && facts.sam === 'locked');
    expect(await trial.client.snapshot()).toMatchObject({
      facts: { permit: 'carryOut' },
      carryOut: { usesLeft: 2, isUsed: false },
    });
    expect(await codeOf(trial.signIn(DOCTOR))).toBe('permit.not-listed');
    await trial.signIn(NURSE);
    for (const patient of ['mihon-taro', 'mihon-hanako']) {
      await trial.place(patient);
      expect(await makeVisit(trial.clinic, trial.client)).toMatchObject({ outcome: 'accepted' });
    }
    await until(({ carryOut }) => carryOut?.usesLeft === 0);
    expect(await codeOf(trial.client.startTap())).toBe('permit.uses-exhausted');

    enterWorld(trial.clinic.centre, 'online');
    back = await startAnchor({
      folder: join(trial.folder, 'anchor'),
      host: LOOPBACK,
      port: trial.clinic.anchor.port,
    });
    await until(({ facts }) => facts.network === 'registered' && facts.sam === 'unlocked');
    const home = await trial.client.snapshot();
    expect(home.facts).toMatchObject({ samUnlock: 'online', permit: 'none' });
    expect(home.facts.operator).toBeUndefined();
    expect(home.carryOut).toBeUndefined();
    await expect.poll(() => recordsOf('permit-ended')).toMatchObject([{ reason: 'returned', usesSpent: 2 }]);

    // Anybody can check what was allowed, without a line of ours.
    const [record] = recordsOf('permit-granted');
    const file = (name: string, content: string | Buffer): string => {
      writeFileSync(join(trial.folder, name), content);
      return join(trial.folder, name);
    };
    const key = file(
      'administrator.pem',
      personOf(ADMINISTRATOR).publicKey.export({ type: 'spki', format: 'pem' }),
    );
    const message = file('permit.bin', Buffer.from(record?.message ?? '', 'base64'));
    const signature = file('permit.sig', Buffer.from(record?.signature ?? '', 'base64'));
    const said = execFileSync('openssl', [
      'dgst',
      '-sha256',
      '-verify',
      key,
      '-signature',
      signature,
      message,
    ]);
    expect(said.toString().trim()).toBe('Verified OK');
  }, 90_000);

  it('is refused to whoever is no administrator, and for more than the broker allows', async () => {
    trial = await TrialClinic.open({ signedIn: false });
    await trial.signIn(ADMINISTRATOR);
    expect(await codeOf(grant({ maxUses: 1_000 }))).toBe('permit.rejected');
    expect(await codeOf(grant({ until: new Date(Date.now() + 48 * HOUR_MS).toISOString() }))).toBe(
      'permit.rejected',
    );
    await trial.signIn(DOCTOR);
    expect(await codeOf(grant())).toBe('operator.role-insufficient');
    expect((await trial.client.snapshot()).facts.permit).toBe('none');
  });
});

describe('a stolen box', () => {
  it('after a revocation the lease ends by the word of the anchor, and nothing opens, whatever the anchor says then', async () => {
    trial = await TrialClinic.open();
    const { anchor, centre } = trial.clinic;
    centre.administration.revokeDevice(CLINIC.samId);
    anchor.devices.set(CLINIC.samId, 'revoked');
    await until(({ facts }) => facts.network === 'foreign' && facts.sam === 'locked');
    const stolen = await trial.client.snapshot();
    expect(stolen.lease?.lastEnd?.reason).toBe('device-revoked');
    expect(stolen.facts.operator).toBeUndefined();
    expect(await codeOf(trial.signIn())).toBe('network.foreign');
    // An accomplice at the anchor: the SP goes on saying no, and the doctor's card opens nothing against it.
    anchor.devices.set(CLINIC.samId, 'registered');
    await until(({ facts }) => facts.network === 'registered');
    expect(await codeOf(trial.signIn())).toBe('centre.refused');
    expect((await trial.client.snapshot()).facts.sam).toBe('locked');
    enterWorld(centre, 'offline');
    expect(await codeOf(trial.signIn())).toBe('centre.refused');
    expect((await trial.client.snapshot()).facts.sam).toBe('locked');
  }, 60_000);

  it('hears of that order with the next answer of the centre, and is dead before its next minute', async () => {
    trial = await TrialClinic.open();
    await trial.place('mihon-taro');
    trial.clinic.centre.administration.disableDevice(CLINIC.samId);
    await makeVisit(trial.clinic, trial.client).catch(() => undefined);
    await until(({ facts }) => facts.sam === 'disabled');
    await expect.poll(() => recordsOf('sam-disabled')).toHaveLength(1);
  }, 60_000);

  it.each([false, true])(
    'fetches the order that kills its SAM (revoked as well: %s)',
    async (isRevoked) => {
      trial = await TrialClinic.open();
      const { administration } = trial.clinic.centre;
      administration.disableDevice(CLINIC.samId);
      if (isRevoked) administration.revokeDevice(CLINIC.samId);
      await trial.clinic.appliance.gateway.reconcileNow();
      await until(({ facts }) => facts.sam === 'disabled');
      expect(trial.clinic.centre.registry.disableOrders.signedAtMs(CLINIC.samId)).toBeDefined();
      expect(await codeOf(trial.client.startTap())).toBe('sam.disabled');
      await expect.poll(() => recordsOf('sam-disabled')).toHaveLength(1);
      // Neither taking the power off nor the SP's silence brings it back.
      trial.clinic.anchor.devices.set(CLINIC.samId, 'revoked');
      await until(({ facts }) => facts.network === 'foreign');
      trial.clinic.anchor.devices.set(CLINIC.samId, 'registered');
      await until(({ facts }) => facts.network === 'registered');
      expect(await trial.client.snapshot()).toMatchObject({ ready: false, missing: 'sam.disabled' });
    },
    60_000,
  );
});
