import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RosterChange } from '#contract/http/operator-routes.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import { ROSTER_NONCE } from './testdata/scripted-centre.ts';

const ADMINISTRATOR = 'kakuu-jimu';
const NURSE = 'kakuu-kango';
const INS_VERIFY = 0x20;
const VERSION = 1;

let bench: GatewayBench;
let caller: Caller;
beforeEach(async () => {
  bench = await openGatewayBench({
    // The nurse is new here.
    script: (centre) => {
      centre.operators = centre.operators.filter(({ roles }) => !roles.includes('nurse'));
    },
  });
  caller = await bench.signIn(ADMINISTRATOR);
});
afterEach(() => bench.close());

const spkiOf = (id: string): Buffer =>
  bench.region.wallet.get(id)!.publicKey.export({ type: 'spki', format: 'der' });
const keyOf = (id: string): string => createHash('sha256').update(spkiOf(id)).digest('hex');
const idOf = (id: string): string => keyOf(id).slice(0, 16);
const suspendDoctor = (): RosterChange => ({ action: 'suspend', operatorId: idOf('kakuu-ishi') });
const addNurse = (): RosterChange => ({
  action: 'add',
  operatorId: idOf(NURSE),
  displayName: '架空　看護',
  roles: ['nurse'],
});

function readNurse(by = caller): Promise<unknown> {
  const request = { cardKind: 'hpki', client: 'counter-browser' } as const;
  return bench.withCard(bench.card(NURSE), () => bench.gateway.operators.readCard(by, request));
}

function change(wish: RosterChange, card = bench.card(ADMINISTRATOR), by = caller): Promise<unknown> {
  const confirmation = bench.request(ADMINISTRATOR);
  return bench.withCard(card, () =>
    bench.gateway.operators.change(by, { baseVersion: VERSION, change: wish }, confirmation),
  );
}

function suspendAtCentre(): void {
  bench.centre.rosterChange = (operators) =>
    operators.map((each) => (each.keyId === keyOf('kakuu-ishi') ? { ...each, suspended: true } : each));
}

describe('what the card signs', () => {
  test('is the change, byte by byte as docs/operators.md lists it', async () => {
    suspendAtCentre();
    await change(suspendDoctor());
    const [order] = bench.centre.orders;
    const message = Buffer.from(order!.message, 'base64');
    const { samId, institutionCode } = bench.samAccess;
    expect(message.toString('hex')).toBe(
      Buffer.from('SEKISHO-ROSTER-CHANGE-1').toString('hex') +
        samId +
        Buffer.from(institutionCode).toString('hex') +
        '00000001' +
        '02' +
        keyOf('kakuu-ishi') +
        '0000' +
        '00'.repeat(32) +
        ROSTER_NONCE,
    );
    expect(order!.administrator).toBe(keyOf(ADMINISTRATOR));
    const key = createPublicKey({ key: spkiOf(ADMINISTRATOR), format: 'der', type: 'spki' });
    expect(verify('sha256', message, key, Buffer.from(order!.signature, 'base64'))).toBe(true);
  });

  test('names kind, roles and the hash of the name of who is added; the certificate goes with it', async () => {
    bench.centre.rosterChange = (operators) => operators;
    await readNurse();
    await change(addNurse());
    const [order] = bench.centre.orders;
    const message = Buffer.from(order!.message, 'base64');
    expect(message.subarray(45, 46).toString('hex')).toBe('01');
    expect(message.subarray(46, 78).toString('hex')).toBe(keyOf(NURSE));
    expect(message.subarray(78, 80).toString('hex')).toBe('0104');
    expect(message.subarray(80, 112)).toEqual(createHash('sha256').update('架空　看護').digest());
    expect(order!.added?.displayName).toBe('架空　看護');
    const { certificate } = order!.added!;
    expect(bench.region.trust.parse(new Uint8Array(Buffer.from(certificate, 'base64'))).keyId).toBe(
      keyOf(NURSE),
    );
  });
});

describe('the new roster', () => {
  test('is in the SAM, in the store and on record when the change is answered', async () => {
    suspendAtCentre();
    await change(suspendDoctor());
    expect(bench.store.roster.roster()?.version).toBe(VERSION + 1);
    expect((await bench.samAccess.require().status()).rosterVersion).toBe(VERSION + 1);
    expect(bench.records.at(-1)).toMatchObject({
      kind: 'roster-changed',
      version: VERSION + 1,
      action: 'suspend',
      subjectId: idOf('kakuu-ishi'),
      operatorId: caller.operatorId,
      screen: 'counter',
    });
  });

  test('that the SP does not make changes nothing here', async () => {
    await expect(change(suspendDoctor())).rejects.toMatchObject({ code: 'roster.refused' });
    expect(bench.store.roster.roster()?.version).toBe(VERSION);
    expect(bench.records.filter(({ kind }) => kind === 'roster-changed')).toEqual([]);
  });
});

describe('a card that was read', () => {
  test('costs no PIN try, and neither does the confirmation with a card that is not the own one', async () => {
    const nurse = bench.card(NURSE);
    const verified: string[] = [];
    nurse.onCommand = ({ ins }) => {
      if (ins === INS_VERIFY) verified.push('VERIFY');
    };
    const request = { cardKind: 'hpki', client: 'counter-browser' } as const;
    await bench.withCard(nurse, () => bench.gateway.operators.readCard(caller, request));
    const confirmation = { ...bench.request(ADMINISTRATOR), cardKind: 'hpki' as const };
    const { pin } = confirmation;
    const changing = bench.withCard(nurse, () =>
      bench.gateway.operators.change(caller, { baseVersion: VERSION, change: addNurse() }, confirmation),
    );
    await expect(changing).rejects.toMatchObject({ code: 'operator.wrong-card' });
    expect(verified).toEqual([]);
    expect(pin?.every((byte) => byte === 0)).toBe(true);
    expect(bench.centre.orders).toEqual([]);
  });

  test('is forgotten after a while', async () => {
    await readNurse();
    await bench.clock.advance(600_000);
    caller = await bench.signIn(ADMINISTRATOR);
    await expect(change(addNurse())).rejects.toMatchObject({ code: 'roster.card-not-read' });
  });

  test('is refused when its certificate is revoked', async () => {
    bench.centre.revokedFor = 'key-compromise';
    await expect(readNurse()).rejects.toMatchObject({ code: 'operator.certificate-revoked' });
  });
});

test('nobody but an administrator gets at it', async () => {
  const doctor = await bench.signIn('kakuu-ishi');
  const refused = { code: 'operator.role-insufficient' };
  await expect(bench.gateway.operators.list(doctor)).rejects.toMatchObject(refused);
  await expect(readNurse(doctor)).rejects.toMatchObject(refused);
  await expect(change(suspendDoctor(), bench.card('kakuu-ishi'), doctor)).rejects.toMatchObject(refused);
  expect(bench.centre.orders).toEqual([]);
});

test('while a tap runs, the reader belongs to the patient', async () => {
  await bench.startTap(caller);
  await expect(readNurse()).rejects.toMatchObject({ code: 'tap.busy' });
  await expect(change(suspendDoctor())).rejects.toMatchObject({ code: 'tap.busy' });
});
