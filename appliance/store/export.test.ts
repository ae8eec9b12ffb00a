import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ScriptedAuthorities } from '#evidence/testdata/scripted-authorities.ts';
import { ScriptedSam } from '#evidence/testdata/scripted-sam.ts';
import { verifyEvidenceFile } from '#evidence/verify-file.ts';
import { openDatabase } from './database.ts';
import { exportEvidence } from './export.ts';
import type { Store } from './store.ts';
import { sampleRecord } from './testdata/sample-visit.ts';
import { openUnsealedStore } from './testdata/unsealed-store.ts';

let folder: string;
let path: string;
let out: string;
let store: Store;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-export-'));
  path = join(folder, 'store.db');
  out = join(folder, 'evidence.txt');
  store = openUnsealedStore(path);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('an export', () => {
  test('carries all that a verifier needs, beside a working appliance', async () => {
    const sam = new ScriptedSam();
    const authorities = new ScriptedAuthorities(folder, sam.privateKeyPem);
    for (const { role, der } of [...authorities.carried(), ...authorities.carried()]) {
      store.certificates.keep(role, der);
    }
    await store.ledger.append(sampleRecord(1));
    const head = await store.ledger.append(sampleRecord(2), { stamp: sam.stamper });
    expect(exportEvidence(path, out)).toEqual({ entries: 2, head });
    const kinds = readFileSync(out, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) =>
        line
          .split(' ', 2)
          .join(' ')
          .replace(/^([ESZ]).*/, '$1'),
      );
    expect(kinds).toEqual(['H sekisho-evidence', 'C sam-device', 'C sam-ca', 'C tsa', 'E', 'E', 'S', 'Z']);
    const report = await verifyEvidenceFile(out, { deviceCaPem: authorities.pem('sam-root') });
    expect(report).toMatchObject({ ok: true, entries: 2, head, stampsVerified: 1 });
    expect(statSync(out).mode & 0o777).toBe(0o600);
  });

  test('replaces an older one only when it is complete', async () => {
    writeFileSync(out, 'older');
    await store.ledger.append(sampleRecord(1));
    exportEvidence(path, out);
    expect(await verifyEvidenceFile(out)).toMatchObject({ ok: true, entries: 1 });
    const before = readFileSync(out, 'utf8');
    const database = openDatabase(path);
    database.exec('DROP TABLE certificate');
    database.close();
    expect(() => exportEvidence(path, out)).toThrow(expect.objectContaining({ code: 'store.failed' }));
    expect(readFileSync(out, 'utf8')).toBe(before);
    expect(readdirSync(folder).filter((name) => name.includes('partial'))).toEqual([]);
  });

  test('of a damaged store shows the damage', async () => {
    for (const number of [1, 2, 3]) await store.ledger.append(sampleRecord(number));
    const database = openDatabase(path);
    database.exec(`DROP TRIGGER entry_is_never_changed;
      UPDATE entry SET canonical = replace(canonical, 'clerk-1', 'clerk-2') WHERE seq = 2`);
    database.close();
    exportEvidence(path, out);
    expect(await verifyEvidenceFile(out)).toMatchObject({
      ok: false,
      firstProblem: { seq: 2, reason: 'entry-altered' },
    });
  });

  test('of a store that does not exist, and a file that cannot be read, are errors', async () => {
    expect(() => exportEvidence(join(folder, 'none.db'), out)).toThrow(
      expect.objectContaining({ code: 'store.failed' }),
    );
    await expect(verifyEvidenceFile(join(folder, 'none.txt'))).rejects.toMatchObject({
      code: 'evidence.export-invalid',
    });
  });
});
