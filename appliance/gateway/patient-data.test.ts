import { createCipheriv, createDecipheriv } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { issueSam } from '#clinic/sam-issue.ts';
import { SimulatedSam } from '#drivers/simulated/sam/simulated-sam.ts';
import { type Database, openDatabase } from '#store/database.ts';
import { sampleRecord, sampleVisit, visitId } from '#store/testdata/sample-visit.ts';
import type { Caller } from './face.ts';
import { type GatewayBench, openGatewayBench } from './testdata/gateway-bench.ts';
import { testRegion } from './testdata/region.ts';

let bench: GatewayBench;
afterEach(() => bench.close());

const IV = Buffer.alloc(8, 0xa6);

function today(caller: Caller) {
  const japanese = new Date(bench.clock.nowMs() + 9 * 3_600_000).toISOString().slice(0, 10);
  return bench.gateway.visitsOfDay(caller, japanese);
}

async function visitOf(personId: string): Promise<Caller> {
  const caller = await bench.signIn();
  expect(await bench.tap(caller, bench.card(personId))).toMatchObject({ outcome: 'accepted' });
  return caller;
}

const keyRecords = () => bench.records.filter((record) => record.kind === 'data-key');

describe('patient data', () => {
  test('gets its key with the first unlock, which is evidence once', async () => {
    bench = await openGatewayBench();
    expect(keyRecords()).toMatchObject([{ event: 'first-key' }]);
    await bench.gateway.networkChanged('absent');
    expect(bench.store.vault.isOpen).toBe(false);
    await bench.gateway.networkChanged('registered');
    expect(bench.store.vault.isOpen).toBe(true);
    expect(keyRecords()).toHaveLength(1);
  });

  test.each([
    ['the clerk locks the SAM', (caller: Caller) => bench.gateway.lockSam(caller, 'test')],
    ['the network is lost', () => bench.gateway.networkChanged('absent')],
    ['the SAM leaves its slot', async () => bench.samSlot.remove()],
  ])('is shut when %s', async (_name, lock) => {
    bench = await openGatewayBench();
    const caller = await visitOf('mihon-taro');
    expect(await today(caller)).toHaveLength(1);
    await lock(caller);
    await bench.untilSnapshot(({ facts }) => facts.sam !== 'unlocked');
    expect(bench.store.vault.isOpen).toBe(false);
    expect(bench.store.outbox.due(bench.clock.nowMs(), 10)).toEqual([]);
    if (bench.gateway.snapshot().facts.operator !== undefined) {
      await expect(today(caller)).rejects.toMatchObject({ code: 'sam.locked' });
    }
  });

  test('gets a new key while visits go on', async () => {
    bench = await openGatewayBench();
    await visitOf('mihon-taro');
    const doctor = await bench.signIn();
    await expect(bench.gateway.rotateDataKey(doctor)).rejects.toMatchObject({
      code: 'operator.role-insufficient',
    });
    const caller = await bench.signIn('kakuu-jimu');
    await bench.gateway.rotateDataKey(caller);
    expect(await bench.tap(caller, bench.card('mihon-hanako'))).toMatchObject({ outcome: 'accepted' });
    expect(await today(caller)).toHaveLength(2);
    expect(keyRecords()).toMatchObject([{ event: 'first-key' }, { event: 'rotated' }]);
  });
});

describe('the letterbox', () => {
  async function signInOnline(): Promise<Caller> {
    bench.centre.scripts.unlock.behaviour = 'good';
    return bench.signIn();
  }
  /** The box is off, and somebody has its disk. */
  async function startAgain(work: (database: Database) => void): Promise<void> {
    const before = bench;
    const database = openDatabase(before.databasePath);
    work(database);
    database.close();
    bench = await openGatewayBench({
      startsFrom: before.databasePath,
      script: (centre) => (centre.scripts.unlock.behaviour = 'centre.unreachable'),
    });
    await before.close();
  }
  const write = () =>
    bench.store.ledger.append(sampleRecord(1), {
      effects: () => [{ do: 'put-visit', visit: sampleVisit(1) }],
    });

  test('is named by evidence with the first key, and takes letters after a restart with the SAM still locked', async () => {
    bench = await openGatewayBench();
    expect(keyRecords()).toMatchObject([{ event: 'first-key', letterboxKey: expect.any(String) }]);
    await startAgain(() => {});
    expect(bench.gateway.snapshot().facts.sam).toBe('locked');
    await write();
    await signInOnline();
    expect(bench.store.visits.visit(visitId(1))?.visitId).toBe(visitId(1));
    expect(keyRecords()).toEqual([]);
  });

  test('that somebody replaced is written into by nobody, and whoever unlocks is told', async () => {
    bench = await openGatewayBench();
    await startAgain((database) => {
      database.prepare('UPDATE letterbox SET public_key = ?').run(Buffer.alloc(32, 9));
    });
    expect(bench.logLines.filter((line) => line.includes('store.letterbox-replaced'))).toHaveLength(1);
    await expect(write()).rejects.toMatchObject({ code: 'store.letterbox-replaced' });
    await expect(signInOnline()).rejects.toMatchObject({ code: 'store.letterbox-replaced' });
    expect(bench.gateway.snapshot().facts.sam).toBe('locked');
  });

  test('of a database from before is named with the next unlock, once', async () => {
    bench = await openGatewayBench();
    await startAgain((database) => {
      database.exec('UPDATE letterbox SET named_in = NULL');
    });
    await expect(write()).rejects.toMatchObject({ code: 'sam.locked' });
    await signInOnline();
    expect(keyRecords()).toMatchObject([{ event: 'letterbox-named', letterboxKey: expect.any(String) }]);
    await bench.gateway.networkChanged('absent');
    await bench.gateway.networkChanged('registered');
    expect(bench.store.vault.isOpen).toBe(true);
    expect(keyRecords()).toHaveLength(1);
  });
});

describe('the SAM of another day', () => {
  test('reads what the one before it sealed, once the SP has wrapped the key for it', async () => {
    const region = await testRegion();
    bench = await openGatewayBench();
    const caller = await visitOf('mihon-taro');
    const { samAccess } = bench;
    const oldId = samAccess.samId;
    const newId = 'a1a2a3a4a5a6a7a8';
    const replacement = await issueSam(region, newId);
    bench.centre.rewrap = (fromSamId, wrapped) => {
      expect(fromSamId).toBe(oldId);
      const { institutionCode } = samAccess;
      const from = region.samKeys.keysFor(oldId, institutionCode).storageKey;
      const to = region.samKeys.keysFor(newId, institutionCode).storageKey;
      const decipher = createDecipheriv('id-aes256-wrap', from, IV);
      const key = Buffer.concat([decipher.update(Buffer.from(wrapped, 'hex')), decipher.final()]);
      const cipher = createCipheriv('id-aes256-wrap', to, IV);
      return Buffer.concat([cipher.update(key), cipher.final()]).toString('hex');
    };
    bench.samSlot.remove();
    await bench.untilSnapshot(({ facts }) => facts.sam === 'absent');
    bench.samSlot.insert(new SimulatedSam({ state: replacement, clock: bench.clock }));
    await bench.untilSnapshot(({ facts }) => facts.sam === 'unlocked');
    expect(await today(caller)).toHaveLength(1);
    expect(keyRecords().at(-1)).toMatchObject({ event: 'moved-to-this-sam' });
  });

  test('stays locked while the SP refuses to', async () => {
    const region = await testRegion();
    bench = await openGatewayBench();
    const caller = await visitOf('mihon-taro');
    const replacement = await issueSam(region, 'b1b2b3b4b5b6b7b8');
    bench.samSlot.remove();
    await bench.untilSnapshot(({ facts }) => facts.sam === 'absent');
    bench.samSlot.insert(new SimulatedSam({ state: replacement, clock: bench.clock }));
    await bench.untilSnapshot(({ facts }) => facts.sam === 'locked');
    await expect(bench.gateway.unlockOnline(caller)).rejects.toMatchObject({ code: 'centre.refused' });
    expect(bench.gateway.snapshot().facts.sam).toBe('locked');
    expect(bench.store.vault.isOpen).toBe(false);
  });
});
