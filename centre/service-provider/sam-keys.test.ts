import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CentreProblem } from '#contract/centre/wire.ts';
import { type Centre, startCentre } from '../region.ts';
import { openssl } from '../testing/openssl.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { createAppliance, INSTITUTION, type ScriptedAppliance } from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-sam-keys-'));
let centre: Centre;

beforeAll(async () => {
  centre = await startCentre({ folder: join(folder, 'centre'), rsaKey: sharedRsaKey });
});
afterAll(async () => {
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('the data key of a replaced SAM', () => {
  const rewrap = (who: ScriptedAppliance, message: object) =>
    who.send('POST', `${centre.urls.serviceProvider}/v1/data-key/rewrap`, message);
  const openssl3394 = async (key: Uint8Array, words: readonly string[], bytes: Uint8Array) => {
    writeFileSync(join(folder, 'wrap-in'), bytes);
    const out = join(folder, 'wrap-out');
    const iv = ['-iv', 'a6'.repeat(8), '-K', Buffer.from(key).toString('hex')];
    await openssl('enc', ...words, '-id-aes256-wrap', ...iv, '-in', join(folder, 'wrap-in'), '-out', out);
    return readFileSync(out);
  };

  test('keys are made once; card IDs outlive a SAM, storage keys do not', () => {
    const [old, replacement] = ['5341000000000001', '5341000000000009'].map((samId) =>
      centre.samKeys.keysFor(samId, INSTITUTION),
    );
    expect(centre.samKeys.keysFor('5341000000000001', INSTITUTION)).toEqual(old);
    expect(replacement!.idDerivationKey).toEqual(old!.idDerivationKey);
    expect(replacement!.storageKey).not.toEqual(old!.storageKey);
    expect(() => centre.samKeys.keysFor('5341000000000001', '2710000001')).toThrow(RangeError);
  });

  test('comes back wrapped for the one that proves itself, also when the old one was stolen', async () => {
    const stolen = createAppliance(centre, { samId: '5341000000000021' });
    const replacement = createAppliance(centre, { samId: '5341000000000022' });
    const dataKey = Buffer.alloc(32, 0x5a);
    try {
      const from = centre.samKeys.keysFor(stolen.samId, INSTITUTION).storageKey;
      const to = centre.samKeys.keysFor(replacement.samId, INSTITUTION).storageKey;
      const wrapped = (await openssl3394(from, ['-e'], dataKey)).toString('hex');
      expect((await replacement.prove(centre.urls.serviceProvider)).status).toBe(204);
      centre.administration.revokeDevice(stolen.samId);
      const answer = await rewrap(replacement, { fromSamId: stolen.samId, wrapped });
      expect(answer.status).toBe(200);
      const rewrapped = Buffer.from(JSON.parse(answer.body).wrapped, 'hex');
      expect(await openssl3394(to, ['-d'], rewrapped)).toEqual(dataKey);
      const altered = `00${wrapped.slice(2)}`;
      expect((await rewrap(replacement, { fromSamId: stolen.samId, wrapped: altered })).status).toBe(422);
      expect((await rewrap(replacement, { fromSamId: '00'.repeat(8), wrapped })).status).toBe(403);
    } finally {
      stolen.close();
      replacement.close();
    }
  });

  test('is not given away while its own SAM is in force: a copy of the disk and a second box of the clinic are not enough', async () => {
    const alive = createAppliance(centre, { samId: '5341000000000031' });
    const neighbour = createAppliance(centre, { samId: '5341000000000032' });
    try {
      for (const { samId } of [alive, neighbour]) centre.samKeys.keysFor(samId, INSTITUTION);
      const from = centre.samKeys.keysFor(alive.samId, INSTITUTION).storageKey;
      const wrapped = (await openssl3394(from, ['-e'], Buffer.alloc(32, 0x5b))).toString('hex');
      expect((await neighbour.prove(centre.urls.serviceProvider)).status).toBe(204);
      const answer = await rewrap(neighbour, { fromSamId: alive.samId, wrapped });
      expect([answer.status, CentreProblem.parse(JSON.parse(answer.body)).code]).toEqual([
        403,
        'limits-exceeded',
      ]);
      centre.administration.disableDevice(alive.samId);
      expect((await rewrap(neighbour, { fromSamId: alive.samId, wrapped })).status).toBe(200);
    } finally {
      alive.close();
      neighbour.close();
    }
  });

  test('does not leave the institution', async () => {
    const elsewhere = createAppliance(centre, { samId: '5341000000000023', institutionCode: '2710000001' });
    try {
      centre.samKeys.keysFor(elsewhere.samId, '2710000001');
      expect((await elsewhere.prove(centre.urls.serviceProvider)).status).toBe(204);
      const answer = await rewrap(elsewhere, { fromSamId: '5341000000000021', wrapped: '00'.repeat(40) });
      expect([answer.status, CentreProblem.parse(JSON.parse(answer.body)).code]).toEqual([
        403,
        'device-unknown',
      ]);
    } finally {
      elsewhere.close();
    }
  });
});
