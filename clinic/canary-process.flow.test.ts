/**
 * Marked cards and people go through many visits at an appliance with every process as installed; then it is carried away, and
 * its files, its log and the memory of its locked processes are searched. (DESIGN 5, invariants 4 and 5)
 */
import { createDecipheriv, createHash, hkdfSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DATABASE_FILE } from '#appliance/appliance.ts';
import type { VirtualCard } from '#drivers/simulated/virtual-card.ts';
import { cleanUpLab } from '#lease/testing/network-lab.ts';
import { CLINIC } from './identity.ts';
import { applianceFolder } from './state-folder.ts';
import { makeVisit } from './tap-run.ts';
import { bytesCanary, type Canary, expectNone, filesOf, withUtf16 } from './testing/canary.ts';
import { rounds, tellFigure } from './testing/figures.ts';
import { GuardedClinic } from './testing/guarded-clinic.ts';
import {
  type Marks,
  markedOperatorCard,
  markedPatient,
  marksOf,
  OPERATOR_PIN,
} from './testing/marked-people.ts';
import {
  childrenNamed,
  copyMemory,
  familyOf,
  type Hit,
  searchMemory,
  swappedKb,
} from './testing/process-memory.ts';
import { DOCTOR } from './testing/trial-clinic.ts';

/** A busy machine is no reason to lock up in the middle. */
const GRACE_MS = 15_000;
const VISITS_OF_EACH = [rounds(12, 400), rounds(8, 300), rounds(8, 300)] as const;
let clinic: GuardedClinic;
let marks: Marks;
let accepted = 0;
/** In the memory of the gateway just before it is locked. */
let whileOpen: Hit[];

async function place(card: VirtualCard | undefined): Promise<void> {
  if (card === undefined) throw new Error('the wallet has changed');
  await clinic.surroundings.readers.cardSlot.insert(card);
}

/** pcscd sees a changed card some time later. */
async function visit(times: number, numberB?: string): Promise<void> {
  for (let [made, tried] = [0, 0]; made < times; tried += 1) {
    const { outcome, error } = await makeVisit(clinic.surroundings, clinic.client, numberB);
    if (outcome === 'accepted') made += 1;
    else if (tried - made > 20) throw new Error(`no visit succeeds: ${error}`);
    accepted += outcome === 'accepted' ? 1 : 0;
  }
}

beforeAll(async () => {
  clinic = await GuardedClinic.open(GRACE_MS);
  const { surroundings } = clinic;
  const marked = markedPatient(surroundings);
  marks = marksOf(surroundings, marked);
  await place(markedOperatorCard(surroundings, DOCTOR));
  await clinic.client.signIn('hpki', OPERATOR_PIN);
  await place(marked.card);
  await visit(VISITS_OF_EACH[0]);
  for (const [at, id] of [
    [1, 'mihon-taro'],
    [2, 'mihon-hanako'],
  ] as const) {
    await place(surroundings.cards.get(id));
    await visit(VISITS_OF_EACH[at], surroundings.wallet.get(id)?.person.verificationNumberB);
  }
  whileOpen = hitsIn(copyMemory(clinic.appliance.pid), [...all(), ...dataKeyCanaries()]);
  clinic.cable.set('down');
  await clinic.untilLocked();
}, 400_000);
afterAll(async () => {
  await clinic?.close();
  cleanUpLab();
});

const all = (): Canary[] => [...marks.secrets, ...marks.personal];

test('nothing of them stands in a byte of the files, or in a line of the log', () => {
  expect(accepted).toBe(VISITS_OF_EACH.reduce((sum, each) => sum + each));
  for (const file of filesOf(applianceFolder(clinic.folder))) expectNone(all(), file, readFileSync(file));
  expectNone(all(), 'log', Buffer.from(clinic.kept.logLines.join('\n')));
  tellFigure({ name: 'marks-in-database-and-log', value: 0, unit: `hits after ${accepted} visits` });
});

/** The data key as the SP would find it again, the two keys that it is used as, and the letterbox key that it seals. */
function dataKeyCanaries(): Canary[] {
  const { centre } = clinic.surroundings;
  const file = filesOf(applianceFolder(clinic.folder)).find((each) => each.endsWith(DATABASE_FILE)) ?? '';
  const database = new Database(file, { readonly: true });
  const rows = database
    .prepare<[], { key_id: string; sam_id: string; wrapped: Buffer }>(
      'SELECT key_id, sam_id, wrapped FROM data_key',
    )
    .all();
  const letterbox = database.prepare<[], Buffer>('SELECT sealed_private_key FROM letterbox').pluck().get();
  database.close();
  expect(rows).not.toEqual([]);
  return rows.flatMap(({ key_id, sam_id, wrapped }) => {
    const { storageKey } = centre.samKeys.keysFor(sam_id, CLINIC.institutionCode);
    const decipher = createDecipheriv('id-aes256-wrap', storageKey, Buffer.alloc(8, 0xa6));
    const secret = Buffer.concat([decipher.update(wrapped), decipher.final()]);
    const id = createHash('sha256').update('SEKISHO-DATA-KEY-ID-1').update(secret).digest('hex');
    expect(id.slice(0, 8)).toBe(key_id);
    const derived = (label: string) => Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), label, 32));
    const sealingKey = derived('SEKISHO-SEAL-1');
    return [
      bytesCanary('data key', secret),
      bytesCanary('sealing key', sealingKey),
      bytesCanary('letterbox key', unsealed(letterbox ?? Buffer.of(), sealingKey, 'letterbox/1/private-key')),
      bytesCanary('index key', derived('SEKISHO-INDEX-1')),
    ];
  });
}

/** @see appliance/store/data-key.ts */
function unsealed(sealed: Buffer, key: Buffer, place: string): Buffer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(5, 17))
    .setAAD(Buffer.from(place))
    .setAuthTag(sealed.subarray(17, 33));
  return Buffer.concat([decipher.update(sealed.subarray(33)), decipher.final()]);
}

const hitsIn = (memory: readonly Buffer[], canaries: readonly Canary[]): Hit[] =>
  searchMemory(memory, withUtf16(canaries)).filter(({ count }) => count > 0);

test('while it is open they are in its memory, where the search finds them', () => {
  const found = whileOpen.map(({ what }) => what);
  expect(found).toEqual(expect.arrayContaining(['name', 'serial', 'sealing key', 'letterbox key']));
  // The data key itself is gone as soon as the keys of its two uses are there.
  expect(found).not.toContain('data key');
  for (const { what, count } of whileOpen)
    tellFigure({ name: `open-gateway-has ${what}`, value: count, unit: `hits after ${accepted} visits` });
});

test('once it is locked nothing of them, and no data key, is in the memory of any process of ours, or in swap', async () => {
  await sleep(2_000);
  // All copied first: the SAM is in this process, and whoever searches does not answer for it.
  const copies = [
    { name: 'gateway', pids: familyOf(clinic.appliance.pid) },
    { name: 'broker', pids: familyOf(clinic.broker.pid ?? 0) },
  ].flatMap(({ name, pids }) =>
    pids.map((pid, at) => ({
      name: at === 0 ? name : `${name}-child`,
      swapKb: swappedKb(pid),
      memory: copyMemory(pid),
    })),
  );
  expect(copies.map(({ name }) => name)).toEqual(['gateway', 'gateway-child', 'broker', 'broker-child']);
  for (const { name, swapKb, memory } of copies) {
    expect(swapKb).toBe(0);
    const hits = hitsIn(memory, [...all(), ...dataKeyCanaries()]);
    const value = hits.reduce((sum, { count }) => sum + count, 0);
    tellFigure({ name: `memory-of-${name}`, value, unit: `hits after ${accepted} visits` });
    expect({ name, hits }).toEqual({ name, hits: [] });
  }
}, 200_000);

/** Told, not promised: pcscd is the system's, and carries what a card says (docs/threat-model.md, Not stopped). */
test('what pcscd keeps is told', () => {
  const [pid] = childrenNamed(process.pid, 'pcscd');
  if (pid === undefined) throw new Error('no pcscd');
  const hits = hitsIn(copyMemory(pid), [...all(), ...dataKeyCanaries()]);
  for (const { what, count } of hits)
    tellFigure({ name: `pcscd-keeps ${what}`, value: count, unit: `hits after ${accepted} visits` });
  tellFigure({ name: 'pcscd-keeps', value: hits.length, unit: `kinds after ${accepted} visits` });
}, 60_000);
