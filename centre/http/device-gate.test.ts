import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { CentreProblem } from '#contract/centre/wire.ts';
import { openCentrePki } from '../pki/authority.ts';
import { issueSamDevice } from '../pki/role-certificate.ts';
import { type Centre, startCentre } from '../region.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import {
  type Answer,
  type ApplianceOptions,
  createAppliance,
  type ScriptedAppliance,
  send,
} from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-gate-'));
let centre: Centre;
const open: ScriptedAppliance[] = [];
const appliance = (options?: ApplianceOptions): ScriptedAppliance => {
  const made = createAppliance(centre, options);
  open.push(made);
  return made;
};

beforeAll(async () => {
  centre = await startCentre({ folder: join(folder, 'centre'), rsaKey: sharedRsaKey });
});
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});
afterAll(async () => {
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

const codeOf = (answer: Answer): string => CentreProblem.parse(JSON.parse(answer.body)).code;
const services = ['serviceProvider', 'eligibility', 'visitHistory'] as const;

test.each(services)('%s answers 401 until the device is proven on this connection', async (name) => {
  const device = appliance();
  const url = `${centre.urls[name]}${{ serviceProvider: '/v1/roster', eligibility: '/v1/eligibility/by-certificate', visitHistory: '/v1/visits/x' }[name]}`;
  const method = { serviceProvider: 'GET', eligibility: 'POST', visitHistory: 'PUT' }[name];
  const before = await device.send(method, url, method === 'GET' ? undefined : {});
  expect([before.status, codeOf(before)]).toEqual([401, 'device-proof-missing']);
  expect((await device.prove(centre.urls[name])).status).toBe(204);
  const after = await device.send(method, url, method === 'GET' ? undefined : {});
  expect(after.status).toBe(method === 'GET' ? 200 : 422);
});

test.each(['TLSv1.2', 'TLSv1.3'] as const)(
  'client and server derive the same exporter in %s',
  async (maxVersion) => {
    const device = appliance({ maxVersion });
    expect((await device.prove(centre.urls.serviceProvider)).status).toBe(204);
    expect((await device.send('GET', `${centre.urls.serviceProvider}/v1/roster`)).status).toBe(200);
  },
);

test('a proof is worth nothing on another connection, and every connection needs its own', async () => {
  const [first, second] = [appliance(), appliance()];
  let captured: Buffer = Buffer.alloc(0);
  await first.prove(centre.urls.serviceProvider, (signature) => {
    captured = signature;
    return signature;
  });
  const replayed = await second.prove(centre.urls.serviceProvider, () => captured);
  expect([replayed.status, codeOf(replayed)]).toEqual([403, 'device-proof-wrong']);
  first.agent.destroy();
  expect((await first.send('GET', `${centre.urls.serviceProvider}/v1/roster`)).status).toBe(401);
});

test('wrong signatures and foreign device certificates are refused', async () => {
  const device = appliance();
  const url = centre.urls.visitHistory;
  expect(codeOf(await device.prove(url, () => Buffer.from('3006020101020101', 'hex')))).toBe(
    'device-proof-wrong',
  );
  expect(codeOf(await device.prove(url, () => Buffer.alloc(0)))).toBe('device-proof-wrong');
  const foreignPki = openCentrePki(join(folder, 'foreign'), { rsaKey: sharedRsaKey });
  const foreign = issueSamDevice(foreignPki, {
    samId: device.samId,
    publicKey: createPublicKey(device.deviceKey),
  });
  for (const certificate of [foreign, centre.pki.samDevice.certificate.der, Buffer.from('junk')]) {
    const answer = await device.send('POST', `${url}/v1/device/proof`, {
      deviceCertificate: certificate.toString('base64'),
      signature: '',
    });
    expect(codeOf(answer)).toBe('device-proof-wrong');
  }
});

test('TLS itself wants a client certificate of the centre', async () => {
  const ca = readFileSync(centre.trustFiles.centreTls);
  const bare = new Agent({ ca });
  await expect(send(bare, 'GET', `${centre.urls.serviceProvider}/v1/roster`)).rejects.toThrow();
  bare.destroy();
  const device = appliance();
  await expect(send(undefined, 'GET', `${centre.urls.serviceProvider}/v1/roster`)).rejects.toThrow(
    /self-signed|unable to/,
  );
  expect(device.samId).toHaveLength(16);
});

test('a device that moved to another institution, or is not registered, is unknown to the SP', async () => {
  const device = appliance({ samId: '5341000000000077' });
  appliance({ samId: '5341000000000077', institutionCode: '2710000001' });
  const answer = await device.prove(centre.urls.serviceProvider);
  expect([answer.status, codeOf(answer)]).toEqual([403, 'device-unknown']);
});

test('revoking a device cuts it off at every service, on proven connections too', async () => {
  const device = appliance({ samId: '5341000000000099' });
  const other = appliance({ samId: '5341000000000100' });
  await device.prove(centre.urls.visitHistory);
  await other.prove(centre.urls.visitHistory);
  centre.administration.revokeDevice(device.samId);
  const visit = `${centre.urls.visitHistory}/v1/visits/x`;
  expect(codeOf(await device.send('PUT', visit, {}))).toBe('device-revoked');
  expect(codeOf(await other.send('PUT', visit, {}))).toBe('message-invalid');
  for (const name of services) expect(codeOf(await proveAfresh(device, name))).toBe('device-revoked');
});

const proveAfresh = (device: ScriptedAppliance, name: (typeof services)[number]): Promise<Answer> => {
  device.agent.destroy();
  return device.prove(centre.urls[name]);
};

test('a wrong server certificate is what a client sees, and it goes away again', async () => {
  const device = appliance({ samId: '5341000000000111' });
  const roster = `${centre.urls.serviceProvider}/v1/roster`;
  const fault = centre.faults.serviceProvider;
  expect((await device.send('GET', roster)).status).toBe(401);
  fault.set({ wrongTlsCertificate: true });
  const settled = await device.send('GET', roster).catch((error: Error) => error.message);
  expect(settled).toMatch(/self-signed|unable to verify|ECONNRESET|socket hang up/);
  await expect(device.send('GET', roster)).rejects.toThrow(/self-signed|unable to verify/);
  fault.clear();
  await device.send('GET', roster).catch(() => undefined);
  expect((await device.send('GET', roster)).status).toBe(401);
});
