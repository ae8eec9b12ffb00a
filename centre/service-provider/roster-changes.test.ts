import { createHash, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RosterNonce } from '#contract/centre/roster-change.ts';
import { RosterAnswer } from '#contract/centre/service-provider.ts';
import { generatePrivateKey } from '../pki/algorithm.ts';
import { exportSpki, parseCertificate } from '../pki/certificate.ts';
import { issueJpkiAuthentication } from '../pki/jpki.ts';
import { issueHpkiAuthentication } from '../pki/role-certificate.ts';
import { type Centre, startCentre } from '../region.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { createAppliance, INSTITUTION, type ScriptedAppliance } from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-roster-'));
let nowMs = Date.UTC(2026, 5, 1);
let centre: Centre;
let device: ScriptedAppliance;

interface Staff {
  readonly key: KeyObject;
  readonly spki: Buffer;
  readonly keyId: string;
}

function makeStaff(kind: 'rsa-2048' | 'p-384' = 'p-384'): Staff {
  const key = generatePrivateKey(kind);
  const spki = exportSpki(createPublicKey(key));
  return { key, spki, keyId: createHash('sha256').update(spki).digest('hex') };
}

const chief = makeStaff('rsa-2048');
const deputy = makeStaff('p-384');
const nurse = makeStaff('p-384');

beforeAll(async () => {
  centre = await startCentre({ folder: join(folder, 'centre'), nowMs: () => nowMs, rsaKey: sharedRsaKey });
  device = createAppliance(centre);
  expect((await device.prove(centre.urls.serviceProvider)).status).toBe(204);
});
afterAll(async () => {
  device.close();
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  for (const { keyId } of centre.registry.roster(INSTITUTION).operators)
    centre.registry.removeOperator(INSTITUTION, keyId);
  enrol(chief, ['administrator', 'doctor']);
  enrol(nurse, ['nurse']);
});

function enrol({ spki }: Staff, roles: ('administrator' | 'doctor' | 'nurse')[]): void {
  const operator = { publicKey: spki, displayName: '架空', roles, cardKind: 'hpki' } as const;
  centre.administration.addOperator(INSTITUTION, operator);
}

const ACTION = { add: '01', suspend: '02', reinstate: '03', remove: '04', 'change-roles': '05' } as const;

interface Wish {
  readonly action: keyof typeof ACTION;
  readonly who: Staff;
  readonly by?: Staff;
  readonly roles?: string;
  readonly name?: string;
  readonly certificate?: Buffer;
  /** Instead of what is right. */
  readonly samId?: string;
  readonly institution?: string;
  readonly baseVersion?: number;
  readonly nonce?: string;
  readonly kind?: string;
  readonly signed?: (message: Buffer) => Buffer;
}

async function freshNonce(): Promise<RosterNonce> {
  const answer = await device.send('POST', `${centre.urls.serviceProvider}/v1/roster/nonce`);
  return RosterNonce.parse(JSON.parse(answer.body));
}

/** The bytes as docs/operators.md lists them, written out by hand. */
async function order(wish: Wish): Promise<Record<string, unknown>> {
  const { nonce, version } = await freshNonce();
  const { action, who, by = chief, name } = wish;
  const isAdd = action === 'add';
  const message = Buffer.concat([
    Buffer.from('SEKISHO-ROSTER-CHANGE-1', 'ascii'),
    Buffer.from(wish.samId ?? device.samId, 'hex'),
    Buffer.from(wish.institution ?? INSTITUTION, 'ascii'),
    Buffer.from((wish.baseVersion ?? version).toString(16).padStart(8, '0'), 'hex'),
    Buffer.from(ACTION[action], 'hex'),
    Buffer.from(who.keyId, 'hex'),
    Buffer.from(wish.kind ?? (isAdd ? '01' : '00'), 'hex'),
    Buffer.from(wish.roles ?? '00', 'hex'),
    isAdd ? createHash('sha256').update('架空　新人', 'utf8').digest() : Buffer.alloc(32),
    Buffer.from(wish.nonce ?? nonce, 'hex'),
  ]);
  const signed = wish.signed?.(message) ?? message;
  const signature =
    by.key.asymmetricKeyType === 'rsa'
      ? sign('sha256', signed, by.key)
      : sign('sha384', signed, { key: by.key, dsaEncoding: 'ieee-p1363' });
  const { certificate } = wish;
  return {
    message: message.toString('base64'),
    administrator: by.keyId,
    signature: signature.toString('base64'),
    ...(certificate === undefined
      ? {}
      : { added: { displayName: name ?? '架空　新人', certificate: certificate.toString('base64') } }),
  };
}

async function post(body: Record<string, unknown>): Promise<{ status: number; code?: string; body: string }> {
  const answer = await device.send('POST', `${centre.urls.serviceProvider}/v1/roster/changes`, body);
  const { code } = JSON.parse(answer.body) as { code?: string };
  return { status: answer.status, body: answer.body, ...(code === undefined ? {} : { code }) };
}

const change = async (wish: Wish) => post(await order(wish));

function hpkiOf({ key }: Staff, notAfterMs = nowMs + 86_400_000): Buffer {
  return issueHpkiAuthentication(centre.pki, {
    publicKey: createPublicKey(key),
    commonName: 'KAKUU SHINJIN',
    roles: ['Medical Doctor'],
    notBeforeMs: nowMs - 86_400_000,
    notAfterMs,
  });
}

const find = (keyId: string) => centre.registry.findOperator(INSTITUTION, keyId);
const version = (): number => centre.registry.roster(INSTITUTION).version;

describe('with the card of an administrator', () => {
  test('a card is added, and the answer is the signed next version', async () => {
    const before = version();
    const newcomer = makeStaff();
    const answer = await change({
      action: 'add',
      who: newcomer,
      roles: '0a',
      certificate: hpkiOf(newcomer),
    });
    expect(answer.status).toBe(200);
    const roster = RosterAnswer.parse(JSON.parse(answer.body));
    expect(roster.version).toBe(before + 1);
    expect(roster.operators).toContainEqual({
      keyId: newcomer.keyId,
      displayName: '架空　新人',
      roles: ['doctor', 'clerk'],
      suspended: false,
      cardKind: 'hpki',
    });
    expect(roster.update).not.toBe('');
  });

  test('a My Number Card is added by its own authority', async () => {
    const newcomer = makeStaff('rsa-2048');
    const certificate = issueJpkiAuthentication(centre.pki, {
      publicKey: createPublicKey(newcomer.key),
      notBeforeMs: nowMs - 1_000,
      notAfterMs: nowMs + 86_400_000,
    });
    const wish = { action: 'add', who: newcomer, roles: '08', certificate } as const;
    expect(await change({ ...wish, kind: '01' })).toMatchObject({ code: 'roster-certificate-wrong' });
    expect((await change({ ...wish, kind: '02' })).status).toBe(200);
    expect(find(newcomer.keyId)).toMatchObject({ cardKind: 'my-number', roles: ['clerk'] });
  });

  test('suspend, reinstate, other roles, remove: each makes the next version', async () => {
    const before = version();
    expect((await change({ action: 'suspend', who: nurse })).status).toBe(200);
    expect(find(nurse.keyId)?.suspended).toBe(true);
    expect((await change({ action: 'reinstate', who: nurse })).status).toBe(200);
    expect(find(nurse.keyId)?.suspended).toBe(false);
    expect((await change({ action: 'change-roles', who: nurse, roles: '05' })).status).toBe(200);
    expect(find(nurse.keyId)?.roles).toEqual(['administrator', 'nurse']);
    expect((await change({ action: 'remove', who: nurse })).status).toBe(200);
    expect(find(nurse.keyId)).toBeUndefined();
    expect(version()).toBe(before + 4);
  });

  test('what was signed is kept, and still verifies', async () => {
    await change({ action: 'suspend', who: nurse });
    const last = centre.rosterLog.changes(INSTITUTION).at(-1)!;
    expect(last).toMatchObject({ version: version(), administrator: chief.keyId, atMs: nowMs });
    expect(verify('sha256', last.message, createPublicKey(chief.key), last.signature)).toBe(true);
  });
});

describe('refused, and nothing changes', () => {
  const newcomer = makeStaff();
  const adding = { action: 'add', who: newcomer, roles: '08' } as const;
  const cases: [string, () => Wish, number, string][] = [
    [
      'an operator who is no administrator',
      () => ({ action: 'suspend', who: chief, by: nurse }),
      409,
      'roster-not-administrator',
    ],
    [
      'somebody who is not on the roster',
      () => ({ action: 'suspend', who: nurse, by: deputy }),
      409,
      'roster-not-administrator',
    ],
    [
      'a signature over something else',
      () => ({ action: 'remove', who: nurse, signed: (it) => Buffer.concat([it, it]) }),
      422,
      'roster-signature-wrong',
    ],
    [
      'an older base version',
      () => ({ action: 'suspend', who: nurse, baseVersion: version() - 1 }),
      409,
      'roster-outdated',
    ],
    [
      'a nonce of nobody',
      () => ({ action: 'suspend', who: nurse, nonce: '00'.repeat(32) }),
      409,
      'roster-outdated',
    ],
    [
      'another SAM',
      () => ({ action: 'suspend', who: nurse, samId: '5341000000000009' }),
      422,
      'message-invalid',
    ],
    [
      'another institution',
      () => ({ action: 'suspend', who: nurse, institution: '2710000001' }),
      422,
      'message-invalid',
    ],
    [
      'the last administrator suspending himself',
      () => ({ action: 'suspend', who: chief }),
      409,
      'roster-last-administrator',
    ],
    [
      'the last administrator removing himself',
      () => ({ action: 'remove', who: chief }),
      409,
      'roster-last-administrator',
    ],
    [
      'the last administrator giving up the role',
      () => ({ action: 'change-roles', who: chief, roles: '02' }),
      409,
      'roster-last-administrator',
    ],
    [
      'a stranger being suspended',
      () => ({ action: 'suspend', who: newcomer }),
      409,
      'roster-operator-unknown',
    ],
    [
      'a card that is there already',
      () => ({ action: 'add', who: nurse, roles: '04', certificate: hpkiOf(nurse) }),
      409,
      'roster-operator-known',
    ],
    [
      'a certificate of another card',
      () => ({ ...adding, certificate: hpkiOf(nurse) }),
      422,
      'roster-certificate-wrong',
    ],
    [
      'an expired certificate',
      () => ({ ...adding, certificate: hpkiOf(newcomer, nowMs - 1) }),
      422,
      'roster-certificate-wrong',
    ],
    ['no certificate at all', () => adding, 422, 'message-invalid'],
    [
      'another name than was signed',
      () => ({ ...adding, certificate: hpkiOf(newcomer), name: '別人' }),
      422,
      'message-invalid',
    ],
    ['nobody’s roles', () => ({ action: 'change-roles', who: nurse, roles: '00' }), 422, 'message-invalid'],
    [
      'roles that do not exist',
      () => ({ action: 'change-roles', who: nurse, roles: '80' }),
      422,
      'message-invalid',
    ],
    [
      'roles where none belong',
      () => ({ action: 'suspend', who: nurse, roles: '04' }),
      422,
      'message-invalid',
    ],
  ];

  test.each(cases)('%s', async (_name, wish, status, code) => {
    const before = centre.registry.roster(INSTITUTION);
    const logged = centre.rosterLog.changes(INSTITUTION).length;
    expect(await change(wish())).toMatchObject({ status, code });
    expect(centre.registry.roster(INSTITUTION)).toEqual(before);
    expect(centre.rosterLog.changes(INSTITUTION)).toHaveLength(logged);
  });

  test('a revoked certificate', async () => {
    const certificate = hpkiOf(newcomer);
    const { serial } = parseCertificate(certificate);
    const issuer = centre.pki.hpkiAuthentication.certificate.keyId;
    centre.revocations.revoke(issuer, serial, 'keyCompromise', nowMs);
    expect(await change({ ...adding, certificate })).toMatchObject({ code: 'roster-certificate-wrong' });
  });

  test('a suspended administrator, also while another one works', async () => {
    enrol(deputy, ['administrator']);
    expect((await change({ action: 'suspend', who: deputy })).status).toBe(200);
    expect(await change({ action: 'reinstate', who: deputy, by: deputy })).toMatchObject({
      code: 'roster-not-administrator',
    });
    expect((await change({ action: 'reinstate', who: deputy })).status).toBe(200);
    expect((await change({ action: 'remove', who: chief, by: deputy })).status).toBe(200);
    expect(await change({ action: 'suspend', who: nurse })).toMatchObject({
      code: 'roster-not-administrator',
    });
  });

  test('the same order again, and one that is superseded or too old', async () => {
    const once = await order({ action: 'suspend', who: nurse });
    expect((await post(once)).status).toBe(200);
    expect(await post(once)).toMatchObject({ code: 'roster-outdated' });
    const superseded = await order({ action: 'reinstate', who: nurse });
    await freshNonce();
    expect(await post(superseded)).toMatchObject({ code: 'roster-outdated' });
    const late = await order({ action: 'reinstate', who: nurse });
    nowMs += 300_001;
    expect(await post(late)).toMatchObject({ code: 'roster-outdated' });
    // A refusal spends the nonce too.
    const wrong = await order({ action: 'reinstate', who: nurse, by: deputy });
    expect(await post(wrong)).toMatchObject({ code: 'roster-not-administrator' });
    const right = await order({ action: 'reinstate', who: nurse, nonce: nonceOf(wrong) });
    expect(await post(right)).toMatchObject({ code: 'roster-outdated' });
  });

  test('a hundred operators are enough', async () => {
    while (centre.registry.roster(INSTITUTION).operators.length < 100) enrol(makeStaff(), ['nurse']);
    const certificate = hpkiOf(newcomer);
    expect(await change({ ...adding, certificate })).toMatchObject({ code: 'roster-full' });
  });
});

function nonceOf(body: Record<string, unknown>): string {
  return Buffer.from(String(body.message), 'base64').subarray(-32).toString('hex');
}
