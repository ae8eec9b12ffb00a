import { generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CardChannel } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import { SimulatedReader } from '#drivers/simulated/channel.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { blankSamState } from '#drivers/simulated/sam/state.ts';
import { systemRandom } from '#ports/random.ts';
import { openSam } from '#sam/sam.ts';
import { disableOrder } from '#sam/testdata/authorities.ts';
import { opensslCertifies } from '#sam/testdata/openssl.ts';
import { scpKeys, staticKeys, vectorProfile } from '#sam/testdata/profile.ts';
import { readVectors } from '#sam/testdata/vectors.ts';
import { provisionSam, type SamIssue, type SamIssueRequest } from './personalise-sam.ts';

const { samId, institutionCode, profileId, ...rest } = vectorProfile;
const wanted = { samId, institutionCode, profileId };

const deviceCertificateAnswer = readVectors('get-data').vectors.find(
  ({ name }) => name === 'device certificate',
)?.answer;

let reader: SimulatedReader;
let channel: CardChannel;
let requests: SamIssueRequest[];

beforeEach(async () => {
  requests = [];
  reader = new SimulatedReader({ name: 'simulated:sam' });
  reader.insert(new SimulatedSam({ state: blankSamState(scpKeys) }));
  channel = await reader.waitForCard(new AbortController().signal);
});

afterEach(async () => {
  await channel.close();
  await reader.close();
});

/** The centre: certifies what the SAM made, and remembers what it was asked. */
async function issue(request: SamIssueRequest): Promise<SamIssue> {
  requests.push(request);
  return { ...rest, deviceCertificate: opensslCertifies(request.devicePublicKey, request.samId) };
}

function provision(change: Partial<Parameters<typeof provisionSam>[0]> = {}) {
  return provisionSam({
    profile: 'development',
    channel,
    staticKeys,
    random: systemRandom,
    wanted,
    issue,
    ...change,
  });
}

describe('provisioning a SAM', () => {
  it('makes a blank one the SAM of the institution, and asks the centre once', async () => {
    expect(await provision()).toBe('done');
    const sam = await openSam(channel);
    expect(await sam.status()).toMatchObject({ state: 'locked', samId });
    expect(await sam.institutionCode()).toBe(institutionCode);
    expect(requests).toEqual([{ ...wanted, devicePublicKey: expect.any(Uint8Array) }]);
  });

  it('leaves it alone the second time', async () => {
    await provision();
    const certificate = await (await openSam(channel)).deviceCertificate();
    expect(await provision()).toBe('already done');
    expect(requests).toHaveLength(1);
    expect(await (await openSam(channel)).deviceCertificate()).toEqual(certificate);
  });

  it('does it again for a disabled SAM, and for another institution', async () => {
    await provision();
    const sam = await openSam(channel);
    await sam.disable(disableOrder(samId, await sam.challenge()));
    expect(await provision()).toBe('done');
    expect(await provision({ wanted: { ...wanted, institutionCode: '1319999982' } })).toBe('done');
    expect(await (await openSam(channel)).institutionCode()).toBe('1319999982');
  });

  it('leaves a blank SAM blank when the centre refuses, and succeeds when run again', async () => {
    const refusal = new SekishoError('centre.unreachable');
    await expect(provision({ issue: () => Promise.reject(refusal) })).rejects.toBe(refusal);
    expect(await (await openSam(channel)).status()).toMatchObject({ state: 'blank' });
    expect(await provision()).toBe('done');
  });

  it('refuses a certificate for another key', async () => {
    const wrong = async (): Promise<SamIssue> => rest;
    await expect(provision({ issue: wrong })).rejects.toMatchObject({ code: 'sam.personalisation-failed' });
  });

  it.each([
    ['for another key', String(deviceCertificateAnswer)],
    ['that cannot be read', 'df21030102039000'],
  ])('finds out when a SAM answers a certificate %s', async (_, answer) => {
    const lying: CardChannel = {
      name: channel.name,
      identity: channel.identity,
      maxCommandBytes: channel.maxCommandBytes,
      close: () => channel.close(),
      transmit: (command) =>
        Buffer.from(command).toString('hex').startsWith('00cadf21')
          ? Promise.resolve(Buffer.from(answer, 'hex'))
          : channel.transmit(command),
    };
    await expect(provision({ channel: lying })).rejects.toMatchObject({
      code: 'sam.personalisation-failed',
      context: { step: 'verify' },
    });
  });

  it('refuses a certificate that is none', async () => {
    const none = async (): Promise<SamIssue> => ({ ...rest, deviceCertificate: new Uint8Array(300) });
    await expect(provision({ issue: none })).rejects.toMatchObject({ code: 'sam.personalisation-failed' });
  });

  it('refuses a SAM with other static keys', async () => {
    const wrong = { ...staticKeys, enc: new Uint8Array(16) };
    await expect(provision({ staticKeys: wrong })).rejects.toMatchObject({
      code: 'sam.personalisation-failed',
    });
  });

  describe('in production', () => {
    const own = { enc: randomBytes(16), mac: randomBytes(16), dek: randomBytes(16) };
    const published = (...paths: string[]): object => ({
      code: 'config.invalid',
      field: paths[0],
      cause: {
        problems: paths.map((path) => ({ path, reason: expect.stringContaining('appliance/sam/testdata/') })),
      },
    });
    const organisation = {
      'rsa-2048-sha256': {
        ...rest.organisation['rsa-2048-sha256'],
        privateKey: pkcs8(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
      },
    };
    const serviceProviderKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({
      type: 'spki',
      format: 'der',
    });
    const secrets = { idDerivationKey: randomBytes(32), storageKey: randomBytes(32) };
    const issueOwn = async (request: SamIssueRequest): Promise<SamIssue> => ({
      ...(await issue(request)),
      ...secrets,
      serviceProviderKey,
      organisation,
    });
    const inProduction = { profile: 'production', staticKeys: own, issue: issueOwn } as const;

    beforeEach(async () => {
      await channel.close();
      reader.remove();
      const keys = Object.entries({ encryption: own.enc, mac: own.mac, dataEncryption: own.dek });
      const scp = Object.fromEntries(keys.map(([name, key]) => [name, key.toString('hex').toUpperCase()]));
      reader.insert(new SimulatedSam({ state: blankSamState(scp as unknown as typeof scpKeys) }));
      channel = await reader.waitForCard(new AbortController().signal);
    });

    it('personalises with keys that nobody else has', async () => {
      expect(await provision(inProduction)).toBe('done');
    });

    it('refuses the static keys that SAMs come with, before the SAM hears of it', async () => {
      const first = { ...own, enc: staticKeys.enc };
      await expect(provision({ ...inProduction, staticKeys: first })).rejects.toMatchObject(
        published('staticKeys.enc'),
      );
      await expect(provision({ ...inProduction, staticKeys })).rejects.toMatchObject(
        published('staticKeys.enc', 'staticKeys.mac', 'staticKeys.dek'),
      );
      expect(requests).toEqual([]);
    });

    it.each(['serviceProviderKey', 'idDerivationKey', 'storageKey'] as const)(
      'refuses the published %s, and the SAM stays blank',
      async (name) => {
        const wrong = async (request: SamIssueRequest): Promise<SamIssue> => ({
          ...(await issueOwn(request)),
          [name]: rest[name],
        });
        await expect(provision({ ...inProduction, issue: wrong })).rejects.toMatchObject(published(name));
        expect(await (await openSam(channel)).status()).toMatchObject({ state: 'blank' });
      },
    );

    it('refuses a published key of the organisation', async () => {
      const wrong = async (request: SamIssueRequest): Promise<SamIssue> => ({
        ...(await issueOwn(request)),
        organisation: rest.organisation,
      });
      await expect(provision({ ...inProduction, issue: wrong })).rejects.toMatchObject(
        published('organisation.rsa-2048-sha256', 'organisation.p384-sha384'),
      );
    });
  });
});

function pkcs8(key: KeyObject): Uint8Array {
  return key.export({ type: 'pkcs8', format: 'der' });
}
