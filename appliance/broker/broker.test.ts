import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { mute } from '#drivers/simulated/faults.ts';
import { COMMANDS, type CommandName } from './commands.ts';
import { BrokerRig, makeOperator, signInSignature } from './testing/broker-rig.ts';
import { grantPermit } from './testing/permit-signer.ts';

let rig: BrokerRig;
beforeEach(async () => {
  rig = await BrokerRig.make();
});
afterEach(() => rig.close());

const code = (wanted: string): object => expect.objectContaining({ code: wanted });
const refused = (promise: Promise<unknown>, wanted: string): Promise<void> =>
  expect(promise).rejects.toEqual(code(wanted));

test('with lease, unlock, operator and consent the organisation key is used, over the digest of the broker', async () => {
  await rig.ready();
  const answer = await rig.askSam('signForCard', rig.use());
  expect(answer.consentDigest).toMatch(/^[0-9a-f]{64}$/);
  expect(rig.organisationKeyCommands).toBe(1);
});

describe('one thing missing, and the SAM is not even asked', () => {
  afterEach(() => expect(rig.organisationKeyCommands).toBe(0));

  test('everything', async () => {
    await rig.open();
    await refused(rig.askSam('signForCard', rig.use()), 'sam.locked');
  });

  test('the unlock', async () => {
    await rig.open();
    await rig.lease();
    await rig.askSam('updateRoster', { update: rig.roster(1) });
    await rig.signIn();
    await refused(rig.askSam('signForCard', rig.use()), 'sam.locked');
  });

  test('the lease: then it cannot even be unlocked', async () => {
    await rig.open();
    await refused(rig.unlock(), 'network.absent');
  });

  test('the operator', async () => {
    await rig.ready();
    await rig.ask('signOut');
    await refused(rig.askSam('signForCard', rig.use()), 'operator.not-signed-in');
    await refused(rig.askSam('deriveId', { data: '00' }), 'operator.not-signed-in');
  });

  test('consent, in every way in which it can be missing', async () => {
    await rig.ready();
    const old = new Date(rig.clock.nowMs() - 300_001).toISOString();
    const ahead = new Date(rig.clock.nowMs() + 2_001).toISOString();
    for (const changes of [{ decision: 'refused' }, { decidedAt: old }, { decidedAt: ahead }]) {
      const consent = rig.consent(changes);
      await refused(rig.askSam('signForCard', rig.use({ consent })), 'tap.consent-missing');
    }
    const another = rig.use({ operatorId: rig.nurse.keyId.slice(0, 16) });
    await refused(rig.askSam('signForCard', another), 'operator.session-ended');
  });

  test('the current power-up', async () => {
    await rig.ready();
    const before = rig.powerUp;
    await rig.ask('open', { isFresh: true });
    await refused(rig.ask('signForCard', { powerUp: before, ...rig.use() }), 'sam.locked');
    await refused(rig.ask('signForCard', { powerUp: before + 1, ...rig.use() }), 'sam.locked');
  });
});

test('a tap is good for one use, in whatever suite', async () => {
  await rig.ready();
  const tapId = randomUUID();
  await rig.askSam('signForCard', rig.use({ tapId }));
  await refused(rig.askSam('signForCard', rig.use({ tapId })), 'tap.consent-missing');
  await refused(rig.askSam('signForCard', rig.use({ tapId, suite: 'p384-sha384' })), 'tap.consent-missing');
  expect(rig.organisationKeyCommands).toBe(1);
});

describe('a card ID', () => {
  const data = '00'.repeat(32);

  test('is derived once for each use of the organisation key', async () => {
    await rig.ready();
    await refused(rig.askSam('deriveId', { data }), 'tap.consent-missing');
    for (let tap = 0; tap < 2; tap++) {
      await rig.askSam('signForCard', rig.use());
      expect(await rig.askSam('deriveId', { data })).toMatchObject({ derived: expect.any(String) });
      await refused(rig.askSam('deriveId', { data: 'ff'.repeat(32) }), 'tap.consent-missing');
    }
  });

  test('is not saved up, neither over uses nor over the end of what was proven', async () => {
    await rig.ready();
    await rig.askSam('signForCard', rig.use());
    await rig.askSam('signForCard', rig.use());
    await rig.askSam('deriveId', { data });
    await refused(rig.askSam('deriveId', { data }), 'tap.consent-missing');
    await rig.askSam('signForCard', rig.use());
    await rig.ask('wipe', { reason: 'tampered' });
    await rig.open();
    await rig.lease();
    await rig.unlock();
    await rig.signIn();
    await refused(rig.askSam('deriveId', { data }), 'tap.consent-missing');
  });

  test('is not given for a use that was refused', async () => {
    await rig.ready();
    const tapId = randomUUID();
    await rig.askSam('signForCard', rig.use({ tapId }));
    await rig.askSam('deriveId', { data });
    await refused(rig.askSam('signForCard', rig.use({ tapId })), 'tap.consent-missing');
    await refused(rig.askSam('deriveId', { data }), 'tap.consent-missing');
  });
});

describe('the end of the lease', () => {
  test('takes the power off when answers stay away, whatever the gateway does', async () => {
    await rig.ready();
    await rig.clock.advance(2_999);
    expect(rig.sam.isPowered).toBe(true);
    await rig.clock.advance(1);
    expect(rig.sam.isPowered).toBe(false);
    expect(rig.wipes).toEqual(['anchor-silent']);
    await refused(rig.askSam('signForCard', rig.use()), 'sam.absent');
  });

  test('is put off by each answer', async () => {
    await rig.ready();
    for (let second = 0; second < 20; second++) {
      await rig.clock.advance(1_000);
      await rig.lease();
    }
    await rig.askSam('signForCard', rig.use());
  });

  test.each([
    [1, 'device-not-registered'],
    [2, 'device-revoked'],
  ])('comes at once with the verdict %i of the anchor', async (verdict, reason) => {
    await rig.ready();
    const { question = '' } = await rig.ask('leaseQuestion');
    await rig.ask('leaseAnswer', { answer: rig.anchor.answer(question, { verdict }) });
    expect(rig.sam.isPowered).toBe(false);
    expect(rig.wipes).toEqual([reason]);
  });

  test('shuts the SAM before another lease begins, also when the answer is quicker than the timer', async () => {
    await rig.ready();
    // Suspended and woken up: no timer has run yet.
    rig.clock.shiftWall(3_600_000);
    expect(await rig.lease()).toBe('granted');
    expect(rig.wipes).toEqual(['clock-jumped']);
    expect(rig.sam.isPowered).toBe(false);
    await refused(rig.ask('operatorActive'), 'operator.not-signed-in');
  });

  test('overtakes a use of the key that was asked for in the same moment', async () => {
    await rig.ready();
    await rig.signIn();
    const use = refused(rig.askSam('signForCard', rig.use()), 'sam.absent');
    const end = rig.ask('endLease', { reason: 'link-down' });
    // Done when the call returns, not a moment later.
    expect(rig.wipes).toEqual(['link-down']);
    await Promise.all([use, end]);
    expect(rig.organisationKeyCommands).toBe(0);
  });

  test('leaves nothing open for a single command, also when a permit would allow it', async () => {
    await rig.ready();
    await rig.signIn(rig.nurse);
    await grantPermit(rig);
    rig.clock.shiftWall(5_000);
    const use = rig.use({ operatorId: rig.nurse.keyId.slice(0, 16) });
    await refused(rig.askSam('signForCard', use), 'sam.absent');
    expect(rig.organisationKeyCommands).toBe(0);
  });

  test('comes when it is told, in the middle of a command too, and takes the operator along', async () => {
    await rig.ready();
    rig.slot.faults.push(mute());
    const signing = rig.askSam('signForCard', rig.use());
    signing.catch(() => undefined);
    await new Promise(setImmediate);
    await rig.ask('endLease', { reason: 'link-down' });
    expect(rig.sam.isPowered).toBe(false);
    await expect(signing).rejects.toMatchObject({ code: expect.stringMatching(/^sam\./) });
    rig.slot.faults.length = 0;
    await rig.open();
    await rig.lease();
    await rig.unlock();
    await refused(rig.askSam('signForCard', rig.use()), 'operator.not-signed-in');
  });
});

describe('unlocking', () => {
  test('for another network than that of the pinned anchor shuts the SAM again', async () => {
    await rig.open();
    await rig.lease();
    const { challenge = '' } = await rig.askSam('challenge');
    const grant = rig.grant(challenge, '00'.repeat(16));
    await refused(rig.askSam('unlockOnline', { grant }), 'network.foreign');
    expect(rig.wipes).toEqual(['unlocked-elsewhere']);
    expect(rig.sam.isPowered).toBe(false);
  });

  test('needs a grant of the SP for this SAM and this challenge', async () => {
    await rig.open();
    await rig.lease();
    const { challenge = '' } = await rig.askSam('challenge');
    for (const grant of [rig.grant('11'.repeat(32)), rig.grant(challenge)]) {
      await refused(rig.askSam('unlockOnline', { grant }), 'sam.unlock-refused');
    }
    const { challenge: next = '' } = await rig.askSam('challenge');
    const foreign = rig.grant(next, rig.anchor.networkId, '00'.repeat(8));
    await refused(rig.askSam('unlockOnline', { grant: foreign }), 'sam.unlock-refused');
  });
});

describe('signing in', () => {
  beforeEach(async () => {
    await rig.open();
    await rig.lease();
  });

  test('needs a roster of the SP, a key that is on it, and is not suspended', async () => {
    await refused(rig.signIn(), 'operator.unknown');
    await rig.askSam('updateRoster', { update: rig.roster(3) });
    await refused(rig.signIn(makeOperator('p384')), 'operator.unknown');
    await refused(rig.signIn(rig.suspended), 'operator.suspended');
    await rig.signIn(rig.doctor);
    await rig.signIn(rig.nurse);
  });

  test('takes the newest challenge, once, within two minutes', async () => {
    await rig.askSam('updateRoster', { update: rig.roster(1) });
    const { keyId } = rig.nurse;
    const challenge = async (): Promise<string> => (await rig.ask('signInChallenge')).challenge ?? '';
    const signIn = (signed: string): Promise<unknown> =>
      rig.ask('signIn', { keyId, signature: signInSignature(rig.nurse, signed) });
    const [old, fresh] = [await challenge(), await challenge()];
    await refused(signIn(old), 'operator.signature-wrong');
    await refused(signIn(fresh), 'operator.signature-wrong');
    const used = await challenge();
    await signIn(used);
    await refused(signIn(used), 'operator.signature-wrong');
    const late = await challenge();
    await rig.clock.advance(1_000);
    await rig.clock.advance(119_000);
    await rig.open();
    await rig.lease();
    await refused(signIn(late), 'operator.signature-wrong');
    const { signature } = { signature: signInSignature(rig.doctor, await challenge()) };
    await refused(rig.ask('signIn', { keyId, signature }), 'operator.signature-wrong');
  });

  test('ends after idleness and after all, on the monotonic clock', async () => {
    const limits = { operatorIdleMs: 10_000, operatorAbsoluteMs: 30_000 };
    const own = await BrokerRig.make({ limits });
    await own.open();
    await own.lease();
    await own.askSam('updateRoster', { update: own.roster(1) });
    const work = async (seconds: number, isActive: boolean): Promise<void> => {
      for (let second = 0; second < seconds; second += 2) {
        await own.clock.advance(2_000);
        await own.lease();
        if (isActive) await own.ask('operatorActive');
      }
    };
    await own.signIn();
    await work(28, true);
    await work(2, false);
    await refused(own.ask('operatorActive'), 'operator.session-ended');
    await own.signIn();
    await work(10, false);
    await refused(own.ask('operatorActive'), 'operator.session-ended');
    await own.close();
  });

  test('a roster without the operator ends the session; versions only go up', async () => {
    await rig.askSam('updateRoster', { update: rig.roster(2) });
    await rig.signIn();
    for (const version of [1, 2])
      await refused(rig.askSam('updateRoster', { update: rig.roster(version) }), 'sam.roster-rejected');
    await rig.askSam('updateRoster', { update: rig.roster(3, [rig.nurse]) });
    await refused(rig.ask('operatorActive'), 'operator.not-signed-in');
    await refused(rig.signIn(), 'operator.unknown');
  });
});

test('a broker that knows no roster takes none that is older than the one of its SAM', async () => {
  await rig.ready();
  await rig.askSam('updateRoster', { update: rig.roster(5, [rig.nurse]) });
  const replacement = await BrokerRig.make({ samState: rig.simulated.state });
  await replacement.open();
  await replacement.lease();
  const old = replacement.roster(4, [rig.doctor]);
  await refused(replacement.askSam('updateRoster', { update: old }), 'sam.roster-rejected');
  await refused(replacement.signIn(rig.doctor), 'operator.unknown');
  await replacement.askSam('updateRoster', { update: replacement.roster(5, [rig.nurse]) });
  await replacement.signIn(rig.nurse);
  await replacement.close();
});

test('a roster of another SAM, another signer or with another ending is refused', async () => {
  await rig.open();
  const good = rig.roster(1);
  const flipped = `${good.slice(0, 20)}${good[20] === '0' ? '1' : '0'}${good.slice(21)}`;
  for (const update of [rig.roster(1, [], '00'.repeat(8)), flipped, `${good}00`, good.slice(0, -2), ''])
    await refused(rig.askSam('updateRoster', { update }), 'sam.roster-rejected');
});

test('what is no command, or has a field too many, too long or of another kind, goes nowhere', async () => {
  await rig.open();
  const seen = rig.sam.commands.length;
  for (const name of ['transmit', 'constructor', '__proto__', 'apdu', 'toString', ''])
    await refused(rig.ask(name), 'request.invalid');
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    for (const ask of [null, 7, 'x', [], { powerUp: 1, raw: '00' }, { powerUp: -1 }, { powerUp: 1.5 }])
      await refused(rig.broker.handle(name, ask), 'request.invalid');
  }
  const wrong = [
    { tapId: 'x' },
    { cardChallenge: '00'.repeat(7) },
    { cardChallenge: '00'.repeat(33) },
    { suite: 'rsa' },
    { consent: { ...rig.consent(), more: 1 } },
    { operatorId: '' },
    { consentDigest: '00'.repeat(32) },
  ];
  for (const changes of wrong) await refused(rig.askSam('signForCard', rig.use(changes)), 'request.invalid');
  expect(rig.sam.commands.length).toBe(seen);
});

describe('limits', () => {
  test('of a minute and of a day', async () => {
    const own = await BrokerRig.make({ limits: { usesPerMinute: 3, usesPerDay: 5 } });
    await own.ready();
    const use = (): Promise<unknown> => own.askSam('signForCard', own.use());
    const keep = async (ms: number): Promise<void> => {
      for (let left = ms; left > 0; left -= 2_000) {
        await own.clock.advance(2_000);
        await own.lease();
      }
    };
    for (let count = 0; count < 3; count++) await use();
    await expect(use()).rejects.toEqual(code('sam.rate-limited'));
    await keep(60_000);
    for (let count = 0; count < 2; count++) await use();
    await keep(60_000);
    await expect(use()).rejects.toEqual(code('sam.rate-limited'));
    expect(own.organisationKeyCommands).toBe(5);
    await own.close();
  });
});

test('a wipe works from every state and leaves nothing behind', async () => {
  await rig.ask('wipe', { reason: 'tampered' });
  await rig.open();
  await rig.ask('wipe', { reason: 'tampered' });
  await rig.ready();
  await rig.ask('wipe', { reason: 'tampered' });
  expect(rig.sam.isPowered).toBe(false);
  expect(rig.wipes).toEqual(['tampered', 'tampered', 'tampered']);
  await refused(rig.ask('operatorActive'), 'operator.not-signed-in');
});

test('a SAM that was left open is shut before anything else', async () => {
  const channel = await rig.slot.waitForCard(new AbortController().signal);
  await channel.close();
  rig.sam.powerOn();
  await rig.broker.clear();
  expect(rig.sam.isPowered).toBe(false);
});

test('a slot that is empty keeps the start waiting for a moment only', async () => {
  rig.slot.remove();
  const cleared = rig.broker.clear();
  await rig.clock.untilAsleep(5_000);
  await rig.clock.advance(5_000);
  await cleared;
});

test('a SAM that leaves is told, and can be opened again when it is back', async () => {
  const lost: number[] = [];
  rig.broker.onEvent((event) => event.event === 'samLost' && lost.push(event.powerUp));
  await rig.ready();
  rig.slot.remove();
  await new Promise(setImmediate);
  expect(lost).toEqual([rig.powerUp]);
  rig.slot.insert(rig.sam);
  await rig.open();
  expect((await rig.askSam('status')).state).toBe('locked');
});
