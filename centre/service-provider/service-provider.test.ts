import { createPublicKey, verify } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  RevokedCards,
  RevokedDevices,
  RosterAnswer,
  SamDisableOrder,
  SamOrders,
  SamUnlockGrant,
} from '#contract/centre/service-provider.ts';
import { CentreProblem } from '#contract/centre/wire.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { exportSpki } from '../pki/certificate.ts';
import { type Centre, startCentre } from '../region.ts';
import { openssl } from '../testing/openssl.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import {
  createAppliance,
  INSTITUTION,
  NETWORK_ID,
  type ScriptedAppliance,
  send,
} from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-sp-'));
const NOW = Date.UTC(2026, 5, 1, 3, 4, 5, 678);
const CHALLENGE = '11'.repeat(32);
let centre: Centre;
let device: ScriptedAppliance;

beforeAll(async () => {
  centre = await startCentre({ folder: join(folder, 'centre'), nowMs: () => NOW, rsaKey: sharedRsaKey });
  device = createAppliance(centre);
  expect((await device.prove(centre.urls.serviceProvider)).status).toBe(204);
  const spki = exportSpki(centre.pki.serviceProviderPublicKey).toString('base64');
  writeFileSync(join(folder, 'sp.pub'), `-----BEGIN PUBLIC KEY-----\n${spki}\n-----END PUBLIC KEY-----\n`);
});
afterAll(async () => {
  device.close();
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Splits `object ‖ 9E signature` where the test knows the object's length, and lets openssl judge. */
async function judge(bytes: Buffer, objectBytes: number): Promise<string> {
  const signature = bytes.subarray(objectBytes);
  expect(signature.subarray(0, 2).toString('hex')).toBe(`9e${(signature.length - 2).toString(16)}`);
  writeFileSync(join(folder, 'object'), bytes.subarray(0, objectBytes));
  writeFileSync(join(folder, 'signature'), signature.subarray(2));
  return (
    await openssl(
      'dgst',
      '-sha256',
      '-verify',
      join(folder, 'sp.pub'),
      '-signature',
      join(folder, 'signature'),
      join(folder, 'object'),
    )
  ).text.trim();
}

const unlock = (change: object = {}) =>
  device.send('POST', `${centre.urls.serviceProvider}/v1/sam/unlock`, {
    samId: device.samId,
    challenge: CHALLENGE,
    networkId: NETWORK_ID,
    ...change,
  });

describe('unlock', () => {
  test('grants the registered limits in the bytes of the SAM profile', async () => {
    const answer = SamUnlockGrant.parse(JSON.parse((await unlock()).body));
    expect(answer).toMatchObject({ maxUses: 200, maxTicks: 36_000 });
    const grant = Buffer.from(answer.grant, 'base64');
    const expected =
      `e152` +
      `8008${device.samId}` +
      `8120${CHALLENGE}` +
      `8210${NETWORK_ID}` +
      `8c0200c8` +
      `8d0400008ca0` +
      `9408${Math.floor(NOW / 1000)
        .toString(16)
        .padStart(16, '0')}`;
    expect(grant.subarray(0, expected.length / 2).toString('hex')).toBe(expected);
    expect(await judge(grant, expected.length / 2)).toBe('Verified OK');
  });

  test.each([
    ['another SAM', { samId: '5341000000000002' }, 403, 'device-unknown'],
    ['a network that is not registered', { networkId: '00'.repeat(16) }, 403, 'limits-exceeded'],
    ['a short challenge', { challenge: '11' }, 422, 'message-invalid'],
    ['a wish for more uses', { maxUses: 65_535 }, 422, 'message-invalid'],
  ])('refuses %s', async (_name, change, status, code) => {
    const before = centre.registry.grantCount(device.samId);
    const answer = await unlock(change);
    expect([answer.status, CentreProblem.parse(JSON.parse(answer.body)).code]).toEqual([status, code]);
    expect(centre.registry.grantCount(device.samId)).toBe(before);
  });
});

describe('roster', () => {
  const fetchRoster = async () =>
    RosterAnswer.parse(
      JSON.parse((await device.send('GET', `${centre.urls.serviceProvider}/v1/roster`)).body),
    );

  test('an empty one has version 1; each change makes the next; suspended operators stay in it', async () => {
    const empty = await fetchRoster();
    expect(empty).toMatchObject({ version: 1, operators: [] });
    const publicKey = exportSpki(createPublicKey(generatePrivateKey('p-384')));
    const doctor = {
      publicKey,
      displayName: '見本 花子',
      roles: ['doctor', 'administrator'],
      cardKind: 'hpki',
    } as const;
    const keyId = centre.administration.addOperator(INSTITUTION, doctor);
    centre.administration.addOperator('2710000001', { ...doctor, displayName: 'elsewhere' });
    const one = await fetchRoster();
    expect(one.version).toBe(2);
    expect(one.operators).toEqual([
      {
        keyId,
        displayName: '見本 花子',
        roles: ['doctor', 'administrator'],
        suspended: false,
        cardKind: 'hpki',
      },
    ]);
    centre.administration.suspendOperator(INSTITUTION, keyId, true);
    const suspended = await fetchRoster();
    expect(suspended.version).toBe(3);
    const update = Buffer.from(suspended.update, 'base64');
    const operator = `8b20${keyId}8f01839078${publicKey.toString('hex')}`;
    const expected = `e381b28008${device.samId}860400000003e8819f${operator}`;
    expect(update.subarray(0, expected.length / 2).toString('hex')).toBe(expected);
    expect(await judge(update, expected.length / 2)).toBe('Verified OK');
  });

  test('the hundred-and-first operator is refused and changes nothing', async () => {
    const before = await fetchRoster();
    for (let index = before.operators.length; index < 100; index++) {
      const publicKey = exportSpki(createPublicKey(generatePrivateKey('p-384')));
      centre.administration.addOperator(INSTITUTION, {
        publicKey,
        displayName: `架空 ${index}`,
        roles: ['clerk'],
        cardKind: 'my-number',
      });
    }
    const full = await fetchRoster();
    const one = {
      publicKey: exportSpki(createPublicKey(generatePrivateKey('p-384'))),
      displayName: 'x',
      roles: ['clerk'],
      cardKind: 'my-number',
    } as const;
    expect(() => centre.administration.addOperator(INSTITUTION, one)).toThrow(RangeError);
    expect((await fetchRoster()).version).toBe(full.version);
    // A key that no SAM could use would make it refuse the whole roster.
    const weak = exportSpki(createPublicKey(generatePrivateKey('p-256')));
    for (const publicKey of [weak, Buffer.from('junk')]) {
      expect(() => centre.administration.addOperator('2710000002', { ...one, publicKey })).toThrow();
    }
  });
});

test('a disable order is signed over the E2 object', async () => {
  const order = centre.administration.orderDisable(device.samId, CHALLENGE);
  const expected = `e22c8008${device.samId}8120${CHALLENGE}`;
  expect(order.subarray(0, expected.length / 2).toString('hex')).toBe(expected);
  expect(await judge(order, expected.length / 2)).toBe('Verified OK');
  const signature = order.subarray(expected.length / 2 + 2);
  expect(verify('sha256', Buffer.from('other'), centre.pki.serviceProviderPublicKey, signature)).toBe(false);
});

test('revoked cards: all of them, hashed with the code of the institution that asks', async () => {
  const { g1, g2 } = centre.pki.jpkiAuthentication;
  const serials = ['01020304', '05060708'].map((hex) => Buffer.from(hex, 'hex'));
  centre.revocations.revoke(g2.certificate.keyId, serials[0]!, 'superseded', NOW);
  centre.revocations.revoke(g1.certificate.keyId, serials[1]!, 'certificateHold', NOW);
  centre.revocations.revoke(
    centre.pki.samDevice.certificate.keyId,
    Buffer.from('090a0b0c', 'hex'),
    'superseded',
    NOW,
  );
  const answer = RevokedCards.parse(
    JSON.parse((await device.send('GET', `${centre.urls.serviceProvider}/v1/revoked-cards`)).body),
  );
  const digests = [];
  for (const serial of serials) {
    writeFileSync(join(folder, 'hashed'), Buffer.concat([serial, Buffer.from(INSTITUTION)]));
    digests.push((await openssl('dgst', '-sha256', '-r', join(folder, 'hashed'))).text.slice(0, 64));
  }
  expect(answer.asOf).toBe(new Date(NOW).toISOString());
  expect(answer.hashes.toSorted()).toEqual(digests.toSorted());
});

test('revoked devices: those of the institution that asks, without a device proof, never without its certificate', async () => {
  const url = `${centre.urls.serviceProvider}/v1/revoked-devices`;
  const stolen = createAppliance(centre, { samId: '5341000000000077' });
  const elsewhere = createAppliance(centre, { samId: '5341000000000078', institutionCode: '2710000001' });
  const read = async (who: ScriptedAppliance) =>
    RevokedDevices.parse(JSON.parse((await who.send('GET', url)).body));
  try {
    expect(await read(stolen)).toEqual({ asOf: new Date(NOW).toISOString(), devices: [] });
    centre.administration.revokeDevice(stolen.samId);
    centre.administration.revokeDevice(elsewhere.samId);
    expect((await read(device)).devices).toEqual([stolen.samId]);
    expect((await read(elsewhere)).devices).toEqual([elsewhere.samId]);
    const ca = readFileSync(centre.trustFiles.centreTls);
    await expect(send(new Agent({ ca }), 'GET', url)).rejects.toThrow();
  } finally {
    stolen.close();
    elsewhere.close();
  }
});

describe('a SAM that shall be dead', () => {
  const disableOf = async (stolen: ScriptedAppliance, change: object = {}) =>
    stolen.send('POST', `${centre.urls.serviceProvider}/v1/sam/disable`, {
      samId: stolen.samId,
      challenge: CHALLENGE,
      ...change,
    });
  const ordersOf = async (stolen: ScriptedAppliance) =>
    SamOrders.parse(JSON.parse((await stolen.send('GET', `${centre.urls.serviceProvider}/v1/orders`)).body));

  test('nothing is wanted of an honest device, and nothing is signed for it', async () => {
    expect(await ordersOf(device)).toEqual({ disable: false });
    expect((await disableOf(device)).status).toBe(404);
  });

  test.each([false, true])(
    'hears of it with every answer of every service (revoked as well: %s)',
    async (isRevoked) => {
      const samId = isRevoked ? '53410000000000d4' : '53410000000000d3';
      const stolen = createAppliance(centre, { samId });
      const { serviceProvider, eligibility, visitHistory } = centre.urls;
      const hear = async () => [
        (await stolen.prove(serviceProvider)).orders,
        (await stolen.prove(eligibility)).orders,
        (await stolen.send('GET', `${serviceProvider}/v1/roster`)).orders,
        (await stolen.send('POST', `${eligibility}/v1/eligibility/by-certificate`, {})).orders,
        (await stolen.send('PUT', `${visitHistory}/v1/visits/x`, {})).orders,
      ];
      try {
        await stolen.prove(visitHistory);
        expect(new Set(await hear())).toEqual(new Set([undefined]));
        centre.administration.disableDevice(samId);
        if (isRevoked) centre.administration.revokeDevice(samId);
        expect(new Set(await hear())).toEqual(new Set(['waiting']));
        // Nobody else, also not one that has not said who it is.
        expect((await device.send('GET', `${serviceProvider}/v1/roster`)).orders).toBeUndefined();
        const stranger = createAppliance(centre, { samId });
        expect((await stranger.send('GET', `${serviceProvider}/v1/roster`)).orders).toBeUndefined();
        stranger.close();
      } finally {
        stolen.close();
      }
    },
  );

  test.each([false, true])('gets its order and nothing else (revoked as well: %s)', async (isRevoked) => {
    const samId = isRevoked ? '53410000000000d2' : '53410000000000d1';
    const stolen = createAppliance(centre, { samId });
    try {
      expect((await stolen.prove(centre.urls.serviceProvider)).status).toBe(204);
      centre.administration.disableDevice(samId);
      if (isRevoked) centre.administration.revokeDevice(samId);
      expect((await stolen.prove(centre.urls.serviceProvider)).status).toBe(204);
      expect((await stolen.prove(centre.urls.eligibility)).status).toBe(403);
      expect(await ordersOf(stolen)).toEqual({ disable: true });
      for (const path of ['roster', 'revoked-cards']) {
        const answer = await stolen.send('GET', `${centre.urls.serviceProvider}/v1/${path}`);
        expect(CentreProblem.parse(JSON.parse(answer.body)).code).toBe('device-revoked');
      }
      expect((await disableOf(stolen, { samId: device.samId })).status).toBe(404);
      const { order } = SamDisableOrder.parse(JSON.parse((await disableOf(stolen)).body));
      const expected = `e22c8008${samId}8120${CHALLENGE}`;
      const bytes = Buffer.from(order, 'base64');
      expect(bytes.subarray(0, expected.length / 2).toString('hex')).toBe(expected);
      expect(await judge(bytes, expected.length / 2)).toBe('Verified OK');
      expect(centre.registry.disableOrders.signedAtMs(samId)).toBe(NOW);
      expect(centre.registry.disableOrders.ordered(INSTITUTION)).toContain(samId);
    } finally {
      stolen.close();
    }
  });
});
