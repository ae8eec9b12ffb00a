/** A morning at the counter, and what the access log tells about it afterwards: by API, by command, and out of the evidence. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, expect, it } from 'vitest';
import type { AccessList } from '#contract/http/access-log-routes.ts';
import { readAccessLog } from '#store/access-export.ts';
import { japaneseDay } from './evidence/access-table.ts';
import { makeVisit } from './tap-run.ts';
import { TrialClinic } from './testing/trial-clinic.ts';

const RUN = fileURLToPath(new URL('../tools/run.mjs', import.meta.url));
const PATIENT_NUMBER = '00076543';

let trial: TrialClinic;
afterEach(() => trial.close());

const today = (): string => japaneseDay(new Date().toISOString());
const logOf = async (day = today()) =>
  (await trial.client.call<AccessList>('GET', `/v1/access-log?day=${day}`)).entries;

async function exportTo(name: string, ...more: string[]): Promise<string> {
  const file = join(trial.folder, name);
  const words = ['clinic/evidence.ts', 'access-log', '--out', file, ...more];
  const place = ['--database', trial.clinic.appliance.databasePath];
  await promisify(execFile)(process.execPath, [RUN, ...words, ...place]);
  return readFileSync(file, 'utf8');
}

it('tells who did what to which visit, and who looked at the log; nobody’s number, PIN or name is in it', async () => {
  trial = await TrialClinic.open();
  await trial.place('P0001');
  const { visit } = await makeVisit(trial.clinic, trial.client);
  const { visitId, cardId } = visit!;
  await trial.client.link(cardId ?? '', PATIENT_NUMBER);
  await trial.client.visit(visitId);
  await trial.client.visitsOfDay(today());
  await expect(trial.client.call('GET', '/v1/access-log?day=2026-01-01')).rejects.toMatchObject({
    code: 'operator.role-insufficient',
  });
  await trial.signIn('kakuu-jimu');
  const entries = await logOf();
  const doctor = entries[0]!.operatorId;
  const whole = entries.map(({ route, error }) => (error === undefined ? route : `${route} ${error}`));
  expect(whole).toEqual([
    'signIn',
    'startTap',
    'decideConsent',
    'recordFaceCheck',
    'linkPatient',
    'readVisit',
    'listVisits',
    'signIn',
    'readAccessLog',
  ]);
  expect(entries.slice(0, 7).every(({ operatorId }) => operatorId === doctor)).toBe(true);
  expect(entries.find(({ route }) => route === 'linkPatient')).toMatchObject({
    subject: cardId,
    screen: 'counter',
    displayName: trial.clinic.wallet.get('kakuu-ishi')?.person.name,
  });
  expect(entries.find(({ route }) => route === 'readVisit')?.subject).toBe(visitId);
  expect(entries.at(-1)).toMatchObject({ route: 'readAccessLog', subject: today() });
  const { entries: kept } = readAccessLog(trial.clinic.appliance.databasePath);
  const text = JSON.stringify(kept);
  for (const secret of [PATIENT_NUMBER, '見本', '架空']) expect(text).not.toContain(`"${secret}`);
  // As a word of its own: an id begins with the same four digits by chance.
  expect(text).not.toMatch(new RegExp(`"${trial.clinic.wallet.get('kakuu-ishi')!.person.pin}(?!\\w)`));
  expect(await logOf('2020-01-01')).toEqual([]);
});

it('is exported beside the running appliance, for a spreadsheet and for a program', async () => {
  trial = await TrialClinic.open();
  await trial.client.visitsOfDay(today());
  const csv = await exportTo('log.csv', '--day', today());
  const rows = csv.trimEnd().split('\r\n');
  expect(rows).toHaveLength(3);
  expect(rows[2]).toContain(',架空　医志,counter,ある日の受付一覧,');
  const json = JSON.parse(await exportTo('log.json')) as Record<string, string>[];
  expect(json.map(({ 操作 }) => 操作)).toEqual(['職員カードと暗証番号でサインインする', 'ある日の受付一覧']);
  await expect(exportTo('log.txt')).rejects.toThrow();
});

it('is held by the evidence: its head stands there, stamped', async () => {
  trial = await TrialClinic.open();
  await trial.client.visitsOfDay(today());
  await trial.clinic.appliance.gateway.reconcileNow();
  const { databasePath } = trial.clinic.appliance;
  expect(readAccessLog(databasePath)).toMatchObject({ anchoredSeq: 2, flaw: undefined });
  expect(await trial.verifyEvidence()).toMatchObject({ ok: true });
});
