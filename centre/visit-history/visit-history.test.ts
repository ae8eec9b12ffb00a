import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { VisitReceipt, type VisitRecord } from '#contract/centre/visit-history.ts';
import { CentreProblem } from '#contract/centre/wire.ts';
import { type Centre, startCentre } from '../region.ts';
import { sharedRsaKey } from '../testing/rsa-keys.ts';
import { createAppliance, INSTITUTION, type ScriptedAppliance, send } from '../testing/scripted-appliance.ts';

const folder = mkdtempSync(join(tmpdir(), 'centre-visits-'));
let nowMs = Date.UTC(2026, 5, 1, 3, 4, 5, 6);
const start = (): Promise<Centre> => startCentre({ folder, nowMs: () => nowMs, rsaKey: sharedRsaKey });
let centre: Centre;
let device: ScriptedAppliance;

beforeAll(async () => {
  centre = await start();
  device = createAppliance(centre);
  await device.prove(centre.urls.visitHistory);
});
afterAll(async () => {
  device.close();
  await centre.close();
  rmSync(folder, { recursive: true, force: true });
});

const record = (change: Partial<VisitRecord> = {}): VisitRecord => ({
  visitId: randomUUID(),
  institutionCode: INSTITUTION,
  cardId: 'R1-AAAAA-BBBBB-CCCCC-DDDDD-EEEE7',
  visitedAt: '2026-06-01T01:02:03.004Z',
  mode: 'online',
  identifiedBy: 'organisation-authentication',
  faceCheck: 'card-photo',
  eligibility: 'valid',
  evidence: { seq: 1, hash: 'ab'.repeat(32) },
  ...change,
});
const put = (visit: VisitRecord, id = visit.visitId) =>
  device.send('PUT', `${centre.urls.visitHistory}/v1/visits/${id}`, visit);

test('201, then 200 for the same record in any order of members, then 409 for another', async () => {
  const before = centre.visits.counts();
  const visit = record();
  const first = await put(visit);
  expect(first.status).toBe(201);
  const receipt = VisitReceipt.parse(JSON.parse(first.body));
  expect(receipt).toEqual({ visitId: visit.visitId, receivedAt: '2026-06-01T03:04:05.006Z' });
  nowMs += 60_000;
  const reordered = Object.fromEntries(Object.entries(visit).reverse()) as VisitRecord;
  const again = await put(reordered);
  expect([again.status, JSON.parse(again.body)]).toEqual([200, receipt]);
  const other = await put({ ...visit, eligibility: 'invalid' });
  expect([other.status, CentreProblem.parse(JSON.parse(other.body)).code]).toEqual([409, 'conflict']);
  expect(centre.visits.counts()).toEqual({ visits: before.visits + 1, deliveries: before.deliveries + 2 });
  expect(centre.visits.find(visit.visitId)?.record).toEqual(visit);
});

test('a record for another address or another institution is refused', async () => {
  const before = centre.visits.counts();
  expect((await put(record(), randomUUID())).status).toBe(422);
  expect((await put(record({ institutionCode: '2710000001' }))).status).toBe(422);
  expect((await put({ ...record(), name: '見本' } as unknown as VisitRecord)).status).toBe(422);
  expect(centre.visits.counts()).toEqual(before);
});

test('records survive a restart, and are still known', async () => {
  const visit = record();
  await put(visit);
  device.close();
  await centre.close();
  centre = await start();
  device = createAppliance(centre);
  await device.prove(centre.urls.visitHistory);
  expect((await put(visit)).status).toBe(200);
  expect(centre.visits.find(visit.visitId)?.deliveries).toBe(2);
});

test('the monitor lists and shows visits without scripts and without a client certificate', async () => {
  const visit = record({
    cardId: '<b>&"1',
    visitedAt: '2026-06-02T01:02:03.004Z',
    mode: 'offline',
    eligibility: 'unknown',
  });
  await put(visit);
  const agent = new Agent({ ca: readFileSync(centre.trustFiles.centreTls) });
  const list = await send(agent, 'GET', `${centre.urls.monitor}/`);
  expect(list.type).toBe('text/html; charset=utf-8');
  expect(list.body).toContain('<html lang="ja">');
  expect(list.body).toContain('&#60;b&#62;&#38;&#34;1');
  expect(list.body).not.toContain('<script');
  expect(list.body).toContain('オフライン offline');
  const { visits, deliveries } = centre.visits.counts();
  expect(list.body).toContain(`<b>${visits}</b> 件（受信 ${deliveries} 回）`);
  const detail = await send(agent, 'GET', `${centre.urls.monitor}/visits/${visit.visitId}`);
  expect(detail.body).toContain(visit.evidence.hash);
  expect(detail.body).toContain('2026/06/02 10:02:03');
  expect((await send(agent, 'GET', `${centre.urls.monitor}/visits/${randomUUID()}`)).status).toBe(404);
  agent.destroy();
});

test('pages hold fifty visits', async () => {
  for (let index = 0; index < 60; index++) {
    centre.visits.register(
      record({ visitedAt: `2025-01-01T00:00:00.${String(index).padStart(3, '0')}Z` }),
      nowMs,
    );
  }
  const agent = new Agent({ ca: readFileSync(centre.trustFiles.centreTls) });
  const rows = async (page: number): Promise<number> =>
    (await send(agent, 'GET', `${centre.urls.monitor}/?page=${page}`)).body.split('<tr>').length - 2;
  expect(await rows(1)).toBe(50);
  expect(await rows(2)).toBe(centre.visits.counts().visits - 50);
  expect((await send(agent, 'GET', `${centre.urls.monitor}/?page=1`)).body).toContain('href="/?page=2"');
  agent.destroy();
});
