/**
 * What must not be anywhere: marked cards and people go through a hundred visits, good and bad, and then every place
 * where something could have stayed is searched. (DESIGN 5, invariants 4 and 5)
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '#contract/http.ts';
import type { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { exportEvidence } from '#store/export.ts';
import { CounterRefusal } from './counter-client.ts';
import { CLINIC } from './identity.ts';
import { applianceFolder } from './state-folder.ts';
import { makeVisit } from './tap-run.ts';
import {
  bytesCanary,
  type Canary,
  cellsOf,
  certificateCanary,
  certificateOf,
  expectNone,
  filesOf,
  textCanary,
} from './testing/canary.ts';
import {
  markedOperatorCard,
  markedPatient,
  marksOf,
  NAME,
  NUMBER,
  OPERATOR_PIN,
  PATIENT_NUMBER,
  SERIAL,
  SYMBOL,
  WRONG_PIN,
} from './testing/marked-people.ts';
import { DOCTOR, TrialClinic } from './testing/trial-clinic.ts';
import { enterWorld } from './world.ts';

const ROUNDS = 12;

let trial: TrialClinic;
let secrets: readonly Canary[];
let personal: readonly Canary[];
let visits = 0;
const problems: string[] = [];
const openAnswers: string[] = [];

async function refused(call: Promise<unknown>): Promise<void> {
  const refusal = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(refusal instanceof CounterRefusal)) throw new Error(`not refused: ${String(refusal)}`);
  problems.push(JSON.stringify(refusal.problem));
}

async function read(path: string): Promise<void> {
  const { url } = trial.clinic.appliance;
  const answer = await new Promise<string>((resolve, reject) => {
    get(new URL(path, url), { ca: trial.clinic.installed.caPem }, (response) => {
      let content = '';
      response.on('data', (chunk: Buffer) => {
        content += chunk.toString();
      });
      response.on('end', () => resolve(content));
    }).on('error', reject);
  });
  openAnswers.push(answer);
}

async function signInMarked(card: SimulatedCard): Promise<void> {
  await trial.place(card);
  await refused(trial.client.signIn('hpki', WRONG_PIN));
  // One try for each time that the card is put there.
  await trial.place(card);
  await trial.client.signIn('hpki', OPERATOR_PIN);
}

async function visit(card: SimulatedCard | string, numberB?: string): Promise<string | undefined> {
  await trial.place(card);
  const { visit: made } = await makeVisit(trial.clinic, trial.client, numberB);
  // Open to anybody on the network, also while the result stands on the screen.
  await read('/v1/snapshot');
  visits += 1;
  return made?.cardId;
}

/** Requests that carry everything they should not, in every place where a clumsy client could put it. */
async function sendCarelessly(numberB: string): Promise<void> {
  const { client } = trial;
  const insured = { InsurerNumber: NUMBER, InsuredCardSymbol: SYMBOL, InsuredIdentificationNumber: NUMBER };
  const careless = {
    [NAME]: NAME,
    pin: WRONG_PIN,
    name: NAME,
    serial: SERIAL,
    verificationNumberB: numberB,
    insured,
  };
  await refused(client.call('POST', '/v1/session', { cardKind: 'hpki', ...careless }));
  await refused(client.call('POST', '/v1/taps', careless));
  await refused(
    client.call('POST', '/v1/visits/by-insured-number', { insured: { ...insured, Birthdate: NAME } }),
  );
  await refused(
    client.call('POST', '/v1/visits/by-insured-number', { insured: { ...insured, Birthdate: '19900101' } }),
  );
  await refused(client.call('GET', `/v1/visits?day=${encodeURIComponent(NAME)}`));
  await refused(
    client.call('GET', `/v1/${encodeURIComponent(NAME)}/${SERIAL}?pin=${WRONG_PIN}&b=${numberB}`),
  );
  await refused(
    client.call('PUT', `/v1/patients/${SERIAL}/link`, { patientNumber: `${PATIENT_NUMBER} ${NAME}` }),
  );
}

beforeAll(async () => {
  trial = await TrialClinic.open({ signedIn: false });
  const operatorCard = markedOperatorCard(trial.clinic, DOCTOR);
  const marked = markedPatient(trial.clinic);
  const [taro, hanako] = [trial.clinic.wallet.get('mihon-taro'), trial.clinic.wallet.get('mihon-hanako')];
  if (taro === undefined || hanako === undefined) throw new Error('the wallet has changed');
  ({ secrets, personal } = marksOf(trial.clinic, marked));

  await signInMarked(operatorCard);
  const cardId = await visit(marked.card);
  await trial.client.link(cardId ?? '', PATIENT_NUMBER);
  for (let round = 0; round < ROUNDS; round += 1) {
    await visit(marked.card);
    await visit('mihon-taro', taro.person.verificationNumberB);
    await visit('mihon-hanako', hanako.person.verificationNumberB);
    // Without a photo on the card: the number opens nothing.
    await visit(marked.card, marked.numberB);
    await visit('mihon-taro', marked.numberB);
    await trial.clinic.control.run(`fault remove-after ${round + 1}`);
    await visit(marked.card);
    await trial.clinic.control.run('clear');
    await trial.clinic.control.run(`fault garble ${round + 1}`);
    await visit(marked.card);
    await trial.clinic.control.run('clear');
    if (round === 4) trial.clinic.centre.faults.eligibility.set({ garbage: true });
    if (round === 5) enterWorld(trial.clinic.centre, 'degraded');
    if (round === 7) enterWorld(trial.clinic.centre, 'offline');
    if (round === 9) enterWorld(trial.clinic.centre, 'online');
  }
  await sendCarelessly(marked.numberB);
  await trial.clinic.appliance.gateway.reconcileNow();
  // Something stays open for the search.
  enterWorld(trial.clinic.centre, 'degraded');
  await visit(marked.card);
  for (const path of ['/metrics', '/healthz', '/openapi.json', '/v1/errors']) await read(path);
}, 120_000);
afterAll(() => trial.close());

describe('nothing of the marked cards and people', () => {
  it('was searched for in vain: the visits were made, and the search finds what is there', () => {
    expect(visits).toBe(2 + 7 * ROUNDS);
    expect(trial.clinic.centre.visits.counts().visits).toBeGreaterThan(20);
    const [first] = trial.clinic.centre.visits.newest(1, 0);
    const image = certificateOf(markedOperatorCard(trial.clinic, DOCTOR).image);
    expect(() => expectNone([certificateCanary('x', image)], 'itself', image)).toThrow();
    expect(() =>
      expectNone([textCanary('x', NAME)], 'itself', Buffer.from(JSON.stringify({ NAME: [NAME] }))),
    ).toThrow();
    expect(() =>
      expectNone([bytesCanary('x', Buffer.from(SERIAL, 'hex'))], 'itself', Buffer.from(`-${SERIAL}`)),
    ).toThrow();
    expect(first?.record.institutionCode).toMatch(/^\d{10}$/);
  });

  it('stands in a log line', () => {
    expect(trial.logLines.length).toBeGreaterThan(200);
    expectNone([...secrets, ...personal], 'log', Buffer.from(trial.logLines.join('')));
  });

  it('stands in a problem document', () => {
    expect(problems.length).toBeGreaterThan(6);
    expectNone([...secrets, ...personal], 'problem', Buffer.from(problems.join('\n')));
  });

  it('stands in what anybody on the network may read', () => {
    expectNone([...secrets, ...personal], 'open answer', Buffer.from(openAnswers.join('\n')));
  });

  it('can stand in a URL: no route takes more than pseudonyms, days and waiting times', () => {
    const names = Object.values(ROUTES).flatMap((route) => [
      ...('params' in route ? Object.keys(route.params.shape) : []),
      ...('query' in route ? Object.keys(route.query.shape) : []),
    ]);
    expect([...new Set(names)].sort()).toEqual(['cardId', 'day', 'tapId', 'visitId', 'waitMs']);
  });

  it('stands in the exported evidence', async () => {
    const file = join(trial.folder, 'evidence.txt');
    exportEvidence(trial.clinic.appliance.databasePath, file);
    expectNone([...secrets, ...personal], 'evidence', readFileSync(file));
    expect(await trial.verifyEvidence()).toMatchObject({ ok: true });
  });

  it('stands in a byte of the appliance’s files', () => {
    const files = filesOf(applianceFolder(trial.folder));
    expect(files.some((file) => file.endsWith('.sqlite-wal'))).toBe(true);
    for (const file of files) expectNone([...secrets, ...personal], file, readFileSync(file));
  });

  it('of the cards stands in the visit-history service', () => {
    const files = filesOf(join(trial.folder, 'centre')).filter((file) => /visits\.db/.test(file));
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) expectNone([...secrets, ...personal], file, readFileSync(file));
  });

  it('is missing for want of visits: the sealed columns hold what the counter shows', () => {
    const cells = [...cellsOf(trial.clinic.appliance.databasePath)];
    const tables = cells
      .filter(({ column, content }) => column.startsWith('sealed_') && content.length > 60)
      .map(({ table }) => table);
    expect(new Set(tables)).toEqual(
      new Set(['patient', 'eligibility', 'visit', 'question', 'outbox', 'letterbox']),
    );
  });

  it('can be guessed from a hash: four bytes are soon tried, so the hash of a serial is sealed, too', () => {
    const hash = createHash('sha256')
      .update(Buffer.from(SERIAL, 'hex'))
      .update(CLINIC.institutionCode, 'ascii')
      .digest();
    for (const { table, column, content } of cellsOf(trial.clinic.appliance.databasePath)) {
      const isThere = content.includes(hash) || content.includes(hash.toString('hex'));
      expect([`${table}.${column}`, isThere]).toEqual([`${table}.${column}`, false]);
    }
    expectNone([bytesCanary('hash of the serial', hash)], 'log', Buffer.from(trial.logLines.join('')));
    expectNone(
      [bytesCanary('hash of the serial', hash)],
      'evidence',
      readFileSync(join(trial.folder, 'evidence.txt')),
    );
  });
});
