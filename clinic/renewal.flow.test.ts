/** A gateway that is locked ends, having written and answered what was under way; the one that follows has met nobody. */
import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DATABASE_FILE } from '#appliance/appliance.ts';
import { cleanUpLab } from '#lease/testing/network-lab.ts';
import { RENEWED } from '#liveness/renewal.ts';
import { applianceFolder } from './state-folder.ts';
import { makeVisit, signInWith } from './tap-run.ts';
import { filesOf } from './testing/canary.ts';
import { GuardedClinic } from './testing/guarded-clinic.ts';
import { DOCTOR } from './testing/trial-clinic.ts';

/** A request that has not arrived when it is locked is answered by the next life. */
const ARRIVAL_MS = 500;
/** A busy machine is no reason to lock up in the middle. */
const GRACE_MS = 15_000;
let clinic: GuardedClinic;

beforeAll(async () => {
  clinic = await GuardedClinic.open(GRACE_MS);
}, 60_000);
afterAll(async () => {
  await clinic?.close();
  cleanUpLab();
});

const facts = async () => (await clinic.client.snapshot()).facts;

async function untilNetwork(network: 'registered' | 'absent' | 'foreign'): Promise<void> {
  await expect.poll(async () => (await facts()).network, { timeout: 20_000 }).toBe(network);
}

/** Newest last. */
function evidence(): { readonly kind: string; readonly reason?: string; readonly stamp: string | null }[] {
  const file = filesOf(applianceFolder(clinic.folder)).find((each) => each.endsWith(DATABASE_FILE)) ?? '';
  const database = new Database(file, { readonly: true });
  const rows = database
    .prepare<[], { canonical: string; stamp: string | null }>(
      'SELECT canonical, stamp FROM entry ORDER BY seq',
    )
    .all();
  database.close();
  return rows.map(({ canonical, stamp }) => {
    const { record } = JSON.parse(canonical) as { record: { kind: string; reason?: string } };
    return { ...record, stamp };
  });
}

test('locked by the place, it has written what that cut short, and works again without hands', async () => {
  const { client, surroundings, cable, kept } = clinic;
  await signInWith(surroundings, client, DOCTOR);
  const { tapId } = await client.startTap();
  await client.consent(tapId, 'ok');
  const { pid } = clinic.appliance;
  // Whoever waits for the card hears how it ended.
  const waiting = client.waitForTap(tapId, 60_000);
  waiting.catch(() => {});
  await sleep(ARRIVAL_MS);
  cable.set('down');
  expect(await waiting).toMatchObject({ state: 'failed', error: 'network.absent' });
  await clinic.untilLocked();
  expect(kept.ends).toEqual([RENEWED]);
  expect(clinic.appliance.pid).not.toBe(pid);
  const written = evidence();
  expect(written.findLast(({ kind }) => kind === 'sam-locked')).toMatchObject({
    reason: 'link-down',
    stamp: expect.any(String),
  });
  expect(written.some(({ kind }) => kind === 'visit')).toBe(true);
  await expect
    .poll(async () => (await clinic.client.snapshot()).lease?.lastEnd?.reason, { timeout: 20_000 })
    .toBe('link-down');
  const { grants } = clinic.sam;
  cable.set('up');
  await clinic.untilOpen(grants);
  expect((await facts()).operator).toBeUndefined();
}, 60_000);

test('locked by its operator, it stays so until somebody signs in; and one that met nobody does not end', async () => {
  const { surroundings, cable, kept } = clinic;
  const before = kept.ends.length;
  await signInWith(surroundings, clinic.client, DOCTOR);
  const { grants } = clinic.sam;
  await clinic.client.lockSam();
  await clinic.untilLocked();
  await untilNetwork('registered');
  cable.set('down');
  await untilNetwork('absent');
  cable.set('up');
  await untilNetwork('registered');
  expect((await facts()).sam).toBe('locked');
  expect(clinic.sam.grants).toBe(grants);
  expect(kept.ends).toHaveLength(before + 1);
  await signInWith(surroundings, clinic.client, DOCTOR);
  expect(await facts()).toMatchObject({ sam: 'unlocked', samUnlock: 'online' });
  expect(kept.ends).toHaveLength(before + 1);
}, 60_000);

test('away with leave it works on after each of its ends, and at home the leave is over', async () => {
  const { surroundings, cable, kept } = clinic;
  const [administrator, nurse] = ['kakuu-jimu', 'kakuu-kango'].map((id) => surroundings.wallet.get(id));
  if (administrator === undefined || nurse === undefined) throw new Error('the wallet has changed');
  const spki = nurse.publicKey.export({ type: 'spki', format: 'der' });
  await signInWith(surroundings, clinic.client, administrator.person.id);
  await surroundings.control.run(`insert ${administrator.person.id}`);
  await clinic.client.call('POST', '/v1/permit', {
    until: new Date(Date.now() + 3_600_000).toISOString(),
    maxUses: 2,
    operators: [createHash('sha256').update(spki).digest('hex').slice(0, 16)],
    cardKind: administrator.person.variant === 'hpki' ? 'hpki' : 'my-number',
    pin: administrator.person.pin,
  });
  await surroundings.control.run('remove');
  await clinic.untilOpen();
  cable.set('down');
  await clinic.untilLocked();
  await expect.poll(async () => (await facts()).permit, { timeout: 20_000 }).toBe('carryOut');
  await signInWith(surroundings, clinic.client, nurse.person.id);
  expect(await facts()).toMatchObject({ network: 'absent', sam: 'unlocked', samUnlock: 'offline' });
  await surroundings.control.run('insert mihon-taro');
  expect(await makeVisit(surroundings, clinic.client)).toMatchObject({ outcome: 'accepted' });
  await surroundings.control.run('remove');
  const [lives, { grants }] = [kept.ends.length, clinic.sam];
  cable.set('up');
  await clinic.untilOpen(grants);
  expect(kept.ends.length).toBeGreaterThan(lives);
  expect((await facts()).permit).toBe('none');
  expect(evidence().findLast(({ kind }) => kind === 'permit-ended')).toMatchObject({ reason: 'returned' });
}, 90_000);
