import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { CLOCK_SLACK_MS, LAST_VISIT_MS, MARK_EVERY_MS } from './permit.ts';
import { BrokerRig, makeOperator } from './testing/broker-rig.ts';
import { grantPermit, type PermitChanges, signPermit } from './testing/permit-signer.ts';
import { makeShortMemory } from './testing/short-memory.ts';

interface Told {
  readonly held?: {
    readonly usesLeft: number;
    readonly isUsed: boolean;
    readonly operators: readonly string[];
  };
  readonly ended?: { readonly reason: string; readonly usesSpent: number; readonly permitId: string };
}

const HOUR_MS = 3_600_000;
let memory: ReturnType<typeof makeShortMemory>;
let rig: BrokerRig;
beforeEach(async () => {
  memory = makeShortMemory();
  rig = await BrokerRig.make({ memory });
  await rig.ready();
});
afterEach(() => rig.close());

const refused = (promise: Promise<unknown>, code: string): Promise<void> =>
  expect(promise).rejects.toMatchObject({ code });
const permit = (): Promise<Told> => rig.ask<Told>('permit');
const use = (): Promise<unknown> =>
  rig.askSam('signForCard', rig.use({ operatorId: rig.nurse.keyId.slice(0, 16) }));
const leave = (): Promise<unknown> => rig.ask('endLease', { reason: 'link-down' });

/** Power, unlock and sign-in with the nurse's card, wherever that is. */
async function work(): Promise<void> {
  await rig.open();
  await rig.unlockOffline();
  await rig.signIn(rig.nurse);
}

describe('granting', () => {
  test('on the registered network, by an administrator; it says what it says', async () => {
    await grantPermit(rig);
    expect(await permit()).toMatchObject({
      held: { usesLeft: 5, isUsed: false, operators: [rig.nurse.keyId], grantedBy: rig.administrator.keyId },
    });
  });

  const cases: readonly [string, (own: BrokerRig) => PermitChanges, string][] = [
    ['a clerk', ({ doctor }) => ({ signer: doctor }), 'operator.role-insufficient'],
    ['a suspended operator', ({ suspended }) => ({ signer: suspended }), 'operator.suspended'],
    ['a stranger', () => ({ signer: makeOperator('rsa') }), 'operator.unknown'],
    [
      'a clerk in the name of the administrator',
      ({ doctor, administrator }) => ({ signer: doctor, keyId: administrator.keyId }),
      'operator.signature-wrong',
    ],
    ['for another SAM', () => ({ samId: '00'.repeat(8) }), 'permit.rejected'],
    ['for another network', () => ({ networkId: '00'.repeat(16) }), 'permit.rejected'],
    ['under another nonce', () => ({ nonce: '00'.repeat(32) }), 'permit.rejected'],
    ['under another label', () => ({ label: 'SEKISHO-PERMIT-2' }), 'permit.rejected'],
    ['without uses', () => ({ maxUses: 0 }), 'permit.rejected'],
    ['with too many uses', () => ({ maxUses: 51 }), 'permit.rejected'],
    ['until the past', ({ clock }) => ({ untilMs: clock.nowMs() - 1_000 }), 'permit.rejected'],
    ['for too long', ({ clock }) => ({ untilMs: clock.nowMs() + 25 * HOUR_MS }), 'permit.rejected'],
    ['issued tomorrow', ({ clock }) => ({ issuedAtMs: clock.nowMs() + 24 * HOUR_MS }), 'permit.rejected'],
    ['for nobody', () => ({ operators: [] }), 'permit.rejected'],
    ['for somebody twice', ({ nurse }) => ({ operators: [nurse.keyId, nurse.keyId] }), 'permit.rejected'],
    ['for a stranger', () => ({ operators: ['11'.repeat(32)] }), 'operator.unknown'],
    ['for a suspended operator', ({ suspended }) => ({ operators: [suspended.keyId] }), 'operator.suspended'],
    ['with a wrong count', () => ({ count: 2 }), 'permit.rejected'],
  ];
  test.each(cases)('is refused: %s', async (_what, changes, code) => {
    await refused(grantPermit(rig, changes(rig)), code);
    expect(await permit()).toEqual({});
  });

  test('never away from home, not twice with one nonce, not with an old one', async () => {
    const { nonce = '' } = await rig.ask('permitNonce');
    const signed = signPermit(rig, nonce);
    await rig.ask('grantPermit', signed);
    await refused(rig.ask('grantPermit', signed), 'permit.rejected');
    await rig.ask('endPermit', { reason: 'ended-by-hand' });
    const late = signPermit(rig, (await rig.ask('permitNonce')).nonce ?? '');
    await leave();
    await refused(rig.ask('grantPermit', late), 'network.absent');
    await rig.clock.advance(300_000);
    await rig.open();
    await rig.lease();
    await refused(rig.ask('grantPermit', late), 'permit.rejected');
  });

  test('any changed bit makes it worth nothing', async () => {
    for (let bit = 0; bit < (92 + 32) * 8; bit += 5) {
      const { nonce = '' } = await rig.ask('permitNonce');
      const signed = signPermit(rig, nonce) as { message: string };
      const message = Buffer.from(signed.message, 'hex');
      message[bit >> 3] = (message[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      await expect(rig.ask('grantPermit', { ...signed, message: message.toString('hex') })).rejects.toThrow();
    }
    expect(await permit()).toEqual({});
  });
});

describe('away', () => {
  test('leaving shuts the SAM; a listed card opens it again and works, counted', async () => {
    await grantPermit(rig);
    await leave();
    expect(rig.wipes).toEqual(['link-down']);
    expect(rig.sam.isPowered).toBe(false);
    await work();
    await use();
    expect(await permit()).toMatchObject({ held: { usesLeft: 4, isUsed: true } });
  });

  test('nobody else signs in or unlocks, and the grant of the SP does not count there', async () => {
    await grantPermit(rig);
    await leave();
    await rig.open();
    await refused(rig.unlockOffline(rig.doctor), 'permit.not-listed');
    await refused(rig.signIn(rig.doctor), 'permit.not-listed');
    await refused(rig.unlock(), 'network.absent');
    await rig.unlockOffline();
    await refused(use(), 'operator.not-signed-in');
    expect(rig.organisationKeyCommands).toBe(0);
  });

  test('the last use can be finished, then it is over', async () => {
    await grantPermit(rig, { maxUses: 1 });
    await leave();
    await work();
    await use();
    await refused(use(), 'permit.uses-exhausted');
    await rig.askSam('deriveId', { data: '00' });
    await rig.clock.advance(LAST_VISIT_MS);
    expect(rig.sam.isPowered).toBe(false);
    expect((await permit()).ended).toMatchObject({ reason: 'used-up', usesSpent: 1 });
    expect(rig.organisationKeyCommands).toBe(1);
  });

  test('its time shuts the SAM in its very moment, without anybody asking', async () => {
    await grantPermit(rig, { untilMs: rig.clock.nowMs() + 600_000 });
    await leave();
    await work();
    await rig.clock.advance(599_999);
    expect(rig.sam.isPowered).toBe(true);
    await rig.clock.advance(1);
    expect(rig.sam.isPowered).toBe(false);
    expect((await permit()).ended?.reason).toBe('expired');
    await refused(work(), 'network.absent');
  });

  test('coming home ends it when it was used, and lets nobody stay', async () => {
    await grantPermit(rig);
    await leave();
    await work();
    // The answer that shows that it is back is spent on shutting everything; the next one begins the lease.
    expect(await rig.lease()).toBe('ignored');
    expect(rig.wipes.at(-1)).toBe('permit-returned');
    expect((await permit()).ended?.reason).toBe('returned');
    await rig.open();
    expect(await rig.lease()).toBe('granted');
    await refused(use(), 'sam.locked');
    await rig.unlock();
    await refused(use(), 'operator.not-signed-in');
  });

  test('a switch that restarts at home does not end a permit that waits for its trip', async () => {
    await grantPermit(rig);
    await leave();
    await rig.open();
    await rig.lease();
    expect((await permit()).held).toMatchObject({ isUsed: false });
  });

  test('a new roster ends what its administrator granted, or shuts out one of its operators', async () => {
    await grantPermit(rig);
    const others = [rig.doctor, rig.nurse, rig.suspended];
    await rig.askSam('updateRoster', {
      update: rig.roster(2, [...others, { ...rig.administrator, roles: ['clerk'] }]),
    });
    expect((await permit()).ended?.reason).toBe('revoked');
    await rig.askSam('updateRoster', { update: rig.roster(3) });
    await grantPermit(rig);
    const update = rig.roster(4, [{ ...rig.nurse, suspended: true }, rig.administrator]);
    await rig.askSam('updateRoster', { update });
    await leave();
    await rig.open();
    await refused(rig.signIn(rig.nurse), 'operator.suspended');
  });

  test.each(['revoked', 'tampered', 'ended-by-hand'])('%s: shut at once', async (reason) => {
    await grantPermit(rig);
    await leave();
    await work();
    await rig.ask('endPermit', { reason });
    expect(rig.sam.isPowered).toBe(false);
    expect((await permit()).ended?.reason).toBe(reason);
  });

  test('the end is told until it is on record', async () => {
    await grantPermit(rig);
    await rig.ask('endPermit', { reason: 'ended-by-hand' });
    await rig.restart();
    await rig.open();
    const { ended } = await permit();
    expect(ended?.reason).toBe('ended-by-hand');
    await rig.ask('permitEndNoted', { permitId: '00'.repeat(32) });
    expect((await permit()).ended).toEqual(ended);
    await rig.ask('permitEndNoted', { permitId: ended?.permitId });
    expect(await permit()).toEqual({});
    expect(memory.permit).toBeUndefined();
  });
});

describe('a disk that is full', () => {
  const fill = (): void => {
    vi.spyOn(memory, 'savePermit').mockImplementation((bytes) => {
      if (bytes !== undefined) throw new SekishoError('store.full');
      realSave(undefined);
    });
  };
  let realSave: (typeof memory)['savePermit'];
  beforeEach(() => {
    realSave = memory.savePermit.bind(memory);
  });

  test('keeps no permit from ending: the SAM is shut, and no restart brings it back', async () => {
    await grantPermit(rig, { untilMs: rig.clock.nowMs() + 600_000 });
    await leave();
    await work();
    fill();
    await rig.clock.advance(600_000);
    expect(rig.sam.isPowered).toBe(false);
    expect(memory.permit).toBeUndefined();
  });

  test('a permit that could not be written down was not granted', async () => {
    fill();
    await refused(grantPermit(rig), 'store.full');
    await leave();
    await refused(work(), 'network.absent');
  });
});

describe('restarts and clocks', () => {
  test('survives restarts with what was spent, and a restart costs time instead of giving some', async () => {
    await grantPermit(rig, { untilMs: rig.clock.nowMs() + 10 * MARK_EVERY_MS });
    await leave();
    await work();
    await use();
    for (let count = 0; count < 9; count++) {
      await rig.restart();
      await rig.open();
      expect((await permit()).held?.usesLeft).toBe(4);
    }
    await rig.restart();
    await rig.open();
    expect((await permit()).ended?.reason).toBe('expired');
  });

  test('a wall clock set back neither prolongs it nor goes unnoticed', async () => {
    await grantPermit(rig);
    await leave();
    rig.clock.shiftWall(-CLOCK_SLACK_MS);
    await work();
    await rig.clock.advance(HOUR_MS);
    expect((await permit()).ended?.reason).toBe('expired');
  });

  test('set back further than a box without a clock wakes up: in doubt it has ended', async () => {
    await grantPermit(rig);
    await leave();
    rig.clock.shiftWall(-CLOCK_SLACK_MS - 1);
    await rig.open();
    await refused(work(), 'network.absent');
    expect((await permit()).ended?.reason).toBe('clock-jumped');
  });

  test('a wall clock that was ahead for a moment has used up what it said', async () => {
    await grantPermit(rig);
    await leave();
    rig.clock.shiftWall(HOUR_MS);
    await rig.open();
    await refused(work(), 'network.absent');
    rig.clock.shiftWall(-HOUR_MS);
    await refused(work(), 'network.absent');
  });

  test.each(['message', 'keyId', 'signature'])(
    'a stored permit whose %s was changed is none',
    async (field) => {
      await grantPermit(rig);
      await rig.restart();
      const stored = JSON.parse(Buffer.from(memory.permit ?? []).toString()) as Record<string, string>;
      const was = stored[field] ?? '';
      // The uses stand at byte 88.
      const at = field === 'message' ? 179 : 10;
      stored[field] = `${was.slice(0, at)}${was[at] === 'f' ? '0' : 'f'}${was.slice(at + 1)}`;
      memory.savePermit(Buffer.from(JSON.stringify(stored)));
      await rig.open();
      expect((await permit()).held).toBeUndefined();
      await refused(work(), 'network.absent');
    },
  );

  test.each(['', '{}', '{"message":"00"}', 'null'])(
    'a memory that is damaged (%s) is no permit',
    async (text) => {
      await rig.restart();
      memory.savePermit(Buffer.from(text));
      await rig.open();
      expect(await permit()).toEqual({});
    },
  );
});
