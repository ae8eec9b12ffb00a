/** The roster at the counter: an administrator adds, changes and removes staff with the own card, over HTTPS and through the SP. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Roster, RosterChange, RosterRow, StaffCard } from '#contract/http/operator-routes.ts';
import { exportEvidence } from '#store/export.ts';
import { CounterClient } from './counter-client.ts';
import { CLINIC } from './identity.ts';
import { TrialClinic } from './testing/trial-clinic.ts';
import { enterWorld } from './world.ts';

const ADMINISTRATOR = 'kakuu-jimu';
const NURSE = 'kakuu-kango';
const DOCTOR = 'kakuu-ishi';

let trial: TrialClinic;
afterEach(async () => {
  const report = await trial.verifyEvidence().finally(() => trial.close());
  expect(report.ok).toBe(true);
});

async function open(signedInAs = ADMINISTRATOR): Promise<void> {
  trial = await TrialClinic.open({
    signedIn: false,
    beforeStart: ({ centre, wallet }) => {
      // Somebody whom the clinic has not met yet.
      const newcomer = wallet.get(NURSE);
      if (newcomer === undefined) throw new RangeError(NURSE);
      centre.registry.removeOperator(CLINIC.institutionCode, keyOf(newcomer.publicKey));
    },
  });
  await trial.signIn(signedInAs);
}

function keyOf(publicKey: { export(options: { type: 'spki'; format: 'der' }): Buffer }): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');
}

function personOf(id: string) {
  const card = trial.clinic.wallet.get(id);
  if (card === undefined) throw new RangeError(id);
  const { person, publicKey } = card;
  const cardKind = person.variant === 'hpki' ? ('hpki' as const) : ('my-number' as const);
  return { name: person.name, pin: person.pin, cardKind, operatorId: keyOf(publicKey).slice(0, 16) };
}

const list = (client = trial.client) => client.call<Roster>('GET', '/v1/operators');
const readCard = (cardKind: 'hpki' | 'my-number') =>
  trial.client.call<StaffCard>('POST', '/v1/operators/card', { cardKind });

/** Puts the card of `by` there and confirms with its PIN. */
async function change(wish: RosterChange, by = ADMINISTRATOR, more: object = {}): Promise<Roster> {
  const { cardKind, pin } = personOf(by);
  const { version } = await list();
  await trial.place(by);
  try {
    const body = { baseVersion: version, change: wish, cardKind, pin, ...more };
    return await trial.client.call('POST', '/v1/operators/changes', body);
  } finally {
    await trial.clinic.control.run('remove');
  }
}

async function addNurse(): Promise<void> {
  const { operatorId, name } = personOf(NURSE);
  await trial.place(NURSE);
  await readCard('hpki');
  await change({ action: 'add', operatorId, displayName: name, roles: ['nurse'] });
}

/** Signs in at a screen of its own and answers the refusal, or undefined. */
async function refusalOf(id: string): Promise<string | undefined> {
  const { cardKind, pin } = personOf(id);
  const screen = new CounterClient(trial.clinic.appliance.url, trial.clinic.installed.caPem);
  await trial.place(id);
  try {
    await screen.signIn(cardKind, pin);
    return undefined;
  } catch (thrown) {
    return (thrown as { code: string }).code;
  } finally {
    await trial.clinic.control.run('remove');
    screen.close();
  }
}

const rowOf = async (id: string): Promise<RosterRow | undefined> =>
  (await list()).operators.find(({ operatorId }) => operatorId === personOf(id).operatorId);

describe('adding somebody', () => {
  it('reads the card without a PIN, takes the own card as confirmation, and the newcomer works at once', async () => {
    await open();
    const { operatorId, name } = personOf(NURSE);
    expect(await refusalOf(NURSE)).toBe('operator.unknown');
    const before = await list();
    await trial.place(NURSE);
    const card = await readCard('hpki');
    expect(card).toMatchObject({ operatorId, cardKind: 'hpki', healthcareRoles: ['General Nurse'] });
    expect(card.listed).toBeUndefined();
    const after = await change({ action: 'add', operatorId, displayName: name, roles: ['nurse'] });
    expect(after.version).toBe(before.version + 1);
    const row = { operatorId, displayName: name, roles: ['nurse'], cardKind: 'hpki', suspended: false };
    expect(await rowOf(NURSE)).toEqual(row);
    await trial.place(NURSE);
    expect(await readCard('hpki')).toMatchObject({ listed: row });
    // The SAM itself knows the key: it opens for this card when the SP is silent.
    enterWorld(trial.clinic.centre, 'offline');
    await trial.client.lockSam();
    await trial.client.signOut();
    await trial.signIn(NURSE);
    expect((await trial.client.snapshot()).facts).toMatchObject({
      sam: 'unlocked',
      samUnlock: 'offline',
      operator: { operatorId },
    });
    enterWorld(trial.clinic.centre, 'online');
  });

  it('takes a My Number Card too; openssl finds the signature of the administrator over what the SP keeps', async () => {
    await open();
    const { operatorId } = personOf('mihon-taro');
    await trial.place('mihon-taro');
    expect(await readCard('my-number')).toMatchObject({ operatorId, healthcareRoles: [] });
    await change({ action: 'add', operatorId, displayName: '見本　新人', roles: ['clerk'] });
    expect(await refusalOf('mihon-taro')).toBeUndefined();
    const kept = trial.clinic.centre.rosterLog.changes(CLINIC.institutionCode).at(-1)!;
    const file = (name: string, content: string | Uint8Array): string => {
      const path = join(trial.folder, name);
      writeFileSync(path, content);
      return path;
    };
    const { publicKey } = trial.clinic.wallet.get(ADMINISTRATOR)!;
    const key = file('administrator.pem', publicKey.export({ type: 'spki', format: 'pem' }));
    const signature = file('signature', kept.signature);
    const verdict = execFileSync('openssl', [
      ...['dgst', '-sha256', '-verify', key, '-signature', signature],
      file('message', kept.message),
    ]);
    expect(verdict.toString().trim()).toBe('Verified OK');
  });

  it('is on record without a name: neither evidence nor log tells who it is', async () => {
    await open();
    const { name, operatorId } = personOf(NURSE);
    await addNurse();
    await change({ action: 'suspend', operatorId });
    const file = join(trial.folder, 'roster.txt');
    exportEvidence(trial.clinic.appliance.databasePath, file);
    const evidence = readFileSync(file, 'utf8');
    expect(evidence).toContain(`"action":"add","at":`);
    expect(evidence).toContain(`"subjectId":"${operatorId}"`);
    // A PIN as a word of its own, whatever it is called: its four digits stand by chance in hashes, ids and times.
    const pinAsWord = new RegExp(`["' =(]${personOf(ADMINISTRATOR).pin}(?!\\w)`);
    for (const written of [evidence, trial.logLines.join('\n')]) {
      expect(written).not.toContain(name);
      expect(written).not.toMatch(pinAsWord);
    }
  });
});

describe('changing somebody', () => {
  it('suspended, back, with other roles, gone: the card is refused or accepted accordingly', async () => {
    await open();
    await addNurse();
    const { operatorId } = personOf(NURSE);
    await change({ action: 'suspend', operatorId });
    expect(await rowOf(NURSE)).toMatchObject({ suspended: true });
    expect(await refusalOf(NURSE)).toBe('operator.suspended');
    await change({ action: 'reinstate', operatorId });
    await change({ action: 'change-roles', operatorId, roles: ['nurse', 'clerk'] });
    expect(await rowOf(NURSE)).toMatchObject({ suspended: false, roles: ['nurse', 'clerk'] });
    await change({ action: 'remove', operatorId });
    expect(await rowOf(NURSE)).toBeUndefined();
    expect(await refusalOf(NURSE)).toBe('operator.unknown');
  });

  it('ends the session of who is suspended, removed or gets other roles, at once', async () => {
    await open();
    const { operatorId } = personOf(ADMINISTRATOR);
    await trial.place(NURSE);
    await readCard('hpki');
    const nurse = personOf(NURSE);
    const roles: RosterRow['roles'] = ['nurse', 'administrator'];
    await change({ action: 'add', operatorId: nurse.operatorId, displayName: nurse.name, roles });
    await change({ action: 'change-roles', operatorId, roles: ['clerk'] });
    await expect(trial.client.call('GET', '/v1/session')).rejects.toMatchObject({
      code: 'operator.session-ended',
    });
    expect((await trial.client.snapshot()).facts.operator).toBeUndefined();
    await trial.signIn(ADMINISTRATOR);
    await expect(list()).rejects.toMatchObject({ code: 'operator.role-insufficient' });
    await trial.signIn(NURSE);
    await change({ action: 'change-roles', operatorId, roles: ['administrator', 'clerk'] }, NURSE);
    await change({ action: 'suspend', operatorId: nurse.operatorId }, NURSE);
    await expect(list()).rejects.toMatchObject({ code: 'operator.session-ended' });
    expect(await refusalOf(NURSE)).toBe('operator.suspended');
  });
});

describe('refused', () => {
  const suspendDoctor = (): RosterChange => ({ action: 'suspend', operatorId: personOf(DOCTOR).operatorId });
  const suspendMyself = (): RosterChange => ({
    action: 'suspend',
    operatorId: personOf(ADMINISTRATOR).operatorId,
  });

  it('whoever is no administrator', async () => {
    await open(DOCTOR);
    const refused = { code: 'operator.role-insufficient', status: 403 };
    await expect(list()).rejects.toMatchObject(refused);
    await expect(readCard('hpki')).rejects.toMatchObject(refused);
    const { cardKind, pin } = personOf(DOCTOR);
    const body = { baseVersion: 1, change: suspendMyself(), cardKind, pin };
    await expect(trial.client.call('POST', '/v1/operators/changes', body)).rejects.toMatchObject(refused);
  });

  it('the last administrator, another card, a wrong PIN, a card that nobody read', async () => {
    await open();
    const { version } = await list();
    await expect(change(suspendMyself())).rejects.toMatchObject({ code: 'roster.last-administrator' });
    await expect(change(suspendDoctor(), DOCTOR)).rejects.toMatchObject({ code: 'operator.wrong-card' });
    await expect(change(suspendDoctor(), ADMINISTRATOR, { pin: '0000' })).rejects.toMatchObject({
      code: 'operator.pin-wrong',
      problem: { triesLeft: 2 },
    });
    const { operatorId } = personOf(NURSE);
    const unread: RosterChange = { action: 'add', operatorId, displayName: '架空', roles: ['nurse'] };
    await expect(change(unread)).rejects.toMatchObject({ code: 'roster.card-not-read' });
    await expect(change({ action: 'suspend', operatorId })).rejects.toMatchObject({
      code: 'roster.operator-unknown',
    });
    expect((await list()).version).toBe(version);
    expect(await rowOf(DOCTOR)).toMatchObject({ suspended: false });
  });

  it('what an older roster was looked at for; the next look shows the new one', async () => {
    await open();
    const { version } = await list();
    const { administration, registry } = trial.clinic.centre;
    const doctor = registry
      .roster(CLINIC.institutionCode)
      .operators.find(({ roles }) => roles.includes('doctor'))!;
    administration.suspendOperator(CLINIC.institutionCode, doctor.keyId, true);
    const wish: RosterChange = {
      action: 'change-roles',
      operatorId: personOf(DOCTOR).operatorId,
      roles: ['clerk'],
    };
    await expect(change(wish)).rejects.toMatchObject({ code: 'roster.outdated' });
    expect(await list()).toMatchObject({ version: version + 1 });
    expect(await rowOf(DOCTOR)).toMatchObject({ suspended: true, roles: ['doctor'] });
    expect((await change(wish)).version).toBe(version + 2);
  });

  it('without the SP nothing changes, and the page is told', async () => {
    await open();
    trial.clinic.centre.faults.serviceProvider.set({ down: true });
    await expect(change(suspendDoctor())).rejects.toMatchObject({ code: 'centre.unreachable' });
    expect(await rowOf(DOCTOR)).toMatchObject({ suspended: false });
  });
});
