/** Our clients and trust against the reference centre, which shares no code with them. */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { crlRoutes } from '#centre/crl/service.ts';
import { type Service, startService } from '#centre/http/service.ts';
import { ocspRoutes } from '#centre/ocsp/service.ts';
import { type CentrePki, openCentrePki } from '#centre/pki/authority.ts';
import { issueJpkiAuthentication, JPKI_TEST_POLICY } from '#centre/pki/jpki.ts';
import { openRevocationRegister, type RevocationRegister } from '#centre/pki/revocation-register.ts';
import {
  issueHpkiAuthentication,
  issueSamDevice,
  issueTlsClient,
  issueTlsServer,
} from '#centre/pki/role-certificate.ts';
import { openPlatformDatabase } from '#centre/platform-database.ts';
import { createRegistry } from '#centre/service-provider/registry.ts';
import { createRosterChanges } from '#centre/service-provider/roster-changes.ts';
import { createRosterLog } from '#centre/service-provider/roster-log.ts';
import { createSamKeyRegister } from '#centre/service-provider/sam-keys.ts';
import { serviceProviderRoutes } from '#centre/service-provider/service.ts';
import { timeStampRoutes } from '#centre/tsa/service.ts';
import { isSekishoError } from '#contract/errors.ts';
import { systemClock } from '#ports/clock.ts';
import { silentLogger } from '#ports/logger.ts';
import { systemRandom } from '#ports/random.ts';
import type { Trust } from '#trust/ports.ts';
import { verifyTimeStampToken } from '#trust/tsp.ts';
import { makeTrust } from '#trust/x509.ts';
import { openCentre } from './centre.ts';
import type { Centre } from './ports.ts';

const INSTITUTION = '1312345678';
const SAM_ID = '00112233aabbccdd';
const nowMs = (): number => Date.now();

const folder = mkdtempSync(join(tmpdir(), 'sekisho-upstream-'));
const services: Record<'serviceProvider' | 'signed', Service | undefined> = {
  serviceProvider: undefined,
  signed: undefined,
};
const closing: (() => void)[] = [];
let pki: CentrePki;
let revocations: RevocationRegister;
let trust: Trust;
let centre: Centre;
let keyPair: { privateKey: KeyObject; publicKey: KeyObject };

const pem = (der: Uint8Array): string =>
  `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString('base64').replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`;
const keyPem = (): string => keyPair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

async function startServiceProvider(): Promise<Service> {
  const database = openPlatformDatabase(join(folder, 'platform.db'));
  closing.push(() => database.close());
  const registry = createRegistry(database);
  const device = issueSamDevice(pki, { samId: SAM_ID, publicKey: keyPair.publicKey });
  registry.putDevice({
    samId: SAM_ID,
    institutionCode: INSTITUTION,
    serial: Buffer.from(trust.parse(device).serial),
    maxUses: 50,
    maxTicks: 0,
    revoked: false,
    networkIds: ['00'.repeat(16)],
  });
  const server = pem(issueTlsServer(pki, { hosts: ['localhost'], publicKey: keyPair.publicKey }));
  const identity = { key: keyPem(), certificate: server };
  const stranger = openCentrePki(join(folder, 'stranger'), { rsaKey: () => keyFor('stranger') });
  const wrong = pem(issueTlsServer(stranger, { hosts: ['localhost'], publicKey: keyPair.publicKey }));
  const signingKey = pki.serviceProviderKey;
  const { certificate: deviceAuthority } = pki.samDevice;
  return startService({
    host: '127.0.0.1',
    port: 0,
    routes: serviceProviderRoutes({
      registry,
      samKeys: createSamKeyRegister(database),
      rosterChanges: createRosterChanges(
        { registry, rosterLog: createRosterLog(database), revocations, nowMs },
        { hpki: [], 'my-number': [] },
      ),
      revocations,
      authorities: [],
      deviceAuthority,
      signingKey,
      nowMs,
    }),
    tls: {
      identity,
      wrongIdentity: { key: keyPem(), certificate: wrong },
      clientAuthority: pem(pki.centreTls.certificate.der),
    },
  });
}

const rsaKeys = new Map<string, KeyObject>();
function keyFor(label: string): KeyObject {
  const known = rsaKeys.get(label) ?? generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
  rsaKeys.set(label, known);
  return known;
}

function open(): Centre {
  const sp = `https://localhost:${services.serviceProvider?.port}`;
  const signed = services.signed?.url;
  const issuers = [pki.jpkiAuthentication.g1, pki.jpkiAuthentication.g2, pki.hpkiAuthentication];
  const device = issueSamDevice(pki, { samId: SAM_ID, publicKey: keyPair.publicKey });
  const client = pem(issueTlsClient(pki, { institutionCode: INSTITUTION, publicKey: keyPair.publicKey }));
  return openCentre({
    urls: {
      serviceProvider: sp,
      eligibility: sp,
      history: sp,
      ocsp: `${signed}/ocsp`,
      crls: issuers.map(({ certificate }) => `${signed}/crl/${certificate.keyId}.crl`),
      timeStamps: `${signed}/tsa`,
    },
    credentials: { authority: pem(pki.centreTls.certificate.der), certificate: client, key: keyPem() },
    timeStampAuthorities: { anchors: [pki.timeStampRoot.certificate.der] },
    cardAuthorities: [{ anchors: issuers.map(({ certificate }) => certificate.der) }],
    signer: {
      deviceCertificate: async () => device,
      signDeviceProof: async (data) =>
        sign('sha256', Buffer.concat([Buffer.from('SEKISHO-DEVICE-1'), data]), createPrivateKey(keyPem())),
    },
    clock: systemClock,
    random: systemRandom,
    logger: silentLogger,
  });
}

beforeAll(async () => {
  keyPair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  pki = openCentrePki(join(folder, 'pki'), { rsaKey: keyFor });
  revocations = openRevocationRegister(join(folder, 'revocations.db'));
  closing.push(() => revocations.close());
  const authorities = Object.values(pki.jpkiAuthentication);
  trust = makeTrust({
    authorities: {
      'jpki-authentication': {
        anchors: authorities.map(({ certificate }) => certificate.der),
        acceptedPolicies: [JPKI_TEST_POLICY.authentication],
      },
      'hpki-authentication': {
        anchors: [pki.hpkiRoot.certificate.der],
        intermediates: [pki.hpkiAuthentication.certificate.der],
      },
      'sam-device': { anchors: [pki.samDevice.certificate.der] },
      'time-stamping': { anchors: [pki.timeStampRoot.certificate.der] },
    },
    auditCertificate: pki.audit.certificate.der,
  });
  services.serviceProvider = await startServiceProvider();
  const all = [...authorities, pki.hpkiAuthentication];
  const ocsp = ocspRoutes({ authorities: all, revocations, nowMs });
  const stamps = timeStampRoutes({ credential: pki.timeStamper, nowMs });
  const at = (path: string, routes: ReturnType<typeof ocspRoutes>) =>
    routes.filter(({ method }) => method === 'POST').map((route) => ({ ...route, path }));
  services.signed = await startService({
    host: '127.0.0.1',
    port: 0,
    routes: [
      ...at('/ocsp', ocsp),
      ...at('/tsa', stamps),
      ...crlRoutes({ authorities: all, revocations, nowMs }),
    ],
  });
});

afterEach(async () => {
  await centre.close();
  services.serviceProvider?.faults.clear();
  services.signed?.faults.clear();
});

afterAll(async () => {
  await services.serviceProvider?.close();
  await services.signed?.close();
  for (const close of closing) close();
  rmSync(folder, { recursive: true, force: true });
});

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'resolved',
    (thrown: unknown) => (isSekishoError(thrown) ? thrown.code : String(thrown)),
  );
}

function issuePatient(generation: 'g1' | 'g2' | 'p384'): Uint8Array {
  const validity = { notBeforeMs: Date.UTC(2024, 0, 1), notAfterMs: Date.UTC(2040, 0, 1) };
  return issueJpkiAuthentication(pki, {
    publicKey: createPublicKey(keyFor('patient')),
    generation,
    ...validity,
  });
}

describe('service provider', () => {
  test('believes the device proof and answers', async () => {
    centre = open();
    expect(await centre.serviceProvider.roster()).toMatchObject({ operators: [] });
    expect(await centre.serviceProvider.revokedCards()).toMatchObject({ hashes: [] });
    const request = { samId: SAM_ID, challenge: 'ab'.repeat(32), networkId: '00'.repeat(16) };
    expect(await centre.serviceProvider.unlockSam(request)).toMatchObject({ maxUses: 50 });
    const foreign = { ...request, networkId: 'ff'.repeat(16) };
    expect(await codeOf(centre.serviceProvider.unlockSam(foreign))).toBe('centre.rejected-request');
  });

  test.each([
    ['down', { down: true }, 'centre.unreachable'],
    ['answering garbage', { garbage: true }, 'centre.garbled'],
    ['showing a wrong certificate', { wrongTlsCertificate: true }, 'centre.untrusted'],
  ] as const)('%s is %s', async (_, faults, code) => {
    services.serviceProvider?.faults.set(faults);
    centre = open();
    expect(await codeOf(centre.serviceProvider.roster())).toBe(code);
  });
});

describe('certificates of the centre', () => {
  test.each(['g1', 'g2', 'p384'] as const)(
    'a JPKI %s card has a path to its own generation',
    async (generation) => {
      centre = open();
      const facts = trust.parse(issuePatient(generation));
      const path = await trust.validate(facts, 'jpki-authentication', Date.UTC(2026, 0, 1));
      const wanted = pki.jpkiAuthentication[generation].certificate.der;
      expect(path.ok && Buffer.from(path.issuer.der).equals(wanted)).toBe(true);
    },
  );

  test('an HPKI card has a path and its roles', async () => {
    centre = open();
    const publicKey = createPublicKey(keyFor('doctor'));
    const roles = ['Medical Doctor', 'Director of Hospital'];
    const facts = trust.parse(issueHpkiAuthentication(pki, { publicKey, commonName: 'Test Doctor', roles }));
    expect(facts.healthcareRoles).toEqual(roles);
    expect((await trust.validate(facts, 'hpki-authentication', Date.UTC(2026, 0, 1))).ok).toBe(true);
  });
});

describe('revocation and time stamps', () => {
  test('OCSP, then CRL when OCSP is gone, agree about good and held', async () => {
    centre = open();
    await centre.warm();
    const good = issuePatient('g2');
    const held = issuePatient('g1');
    const { g1, g2 } = pki.jpkiAuthentication;
    revocations.revoke(g1.certificate.keyId, trust.parse(held).serial, 'certificateHold', nowMs() - 1000);
    expect(await centre.revocation.status(good, g2.certificate.der)).toEqual({
      status: 'good',
      checkedBy: 'ocsp',
    });
    expect(await centre.revocation.status(held, g1.certificate.der)).toMatchObject({ reason: 'hold' });
    await centre.close();
    centre = open();
    await centre.warm();
    services.signed?.faults.set({ down: true });
    expect(await centre.revocation.status(good, g2.certificate.der)).toEqual({
      status: 'good',
      checkedBy: 'crl',
    });
    expect(await centre.revocation.status(held, g1.certificate.der)).toMatchObject({ reason: 'hold' });
  });

  test('a token verifies, and is refused when garbage comes instead', async () => {
    centre = open();
    const digest = createHash('sha256').update('tick stamp').digest();
    const token = await centre.timeStamps.timeStamp(digest);
    const anchors = [readFileSync(pki.certificateFile('time-stamp-root'), 'utf8')];
    expect(verifyTimeStampToken(token, digest, { anchors }).accuracyMs).toBeGreaterThanOrEqual(0);
    services.signed?.faults.set({ garbage: true });
    expect(await codeOf(centre.timeStamps.timeStamp(digest))).toBe('time-stamp.unavailable');
  });
});
