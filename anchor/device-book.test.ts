import { chownSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DeviceBook } from './device-book.ts';
import { openIdentity } from './identity.ts';

const DEVICE = '5345534841303031';
let folder: string;
let nowMs = 0;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sekisho-anchor-'));
  nowMs = 0;
});
afterEach(() => rmSync(folder, { recursive: true }));

const open = (onDamage?: (error: unknown) => void) => new DeviceBook(folder, () => nowMs, onDamage);

describe('the device book', () => {
  test('knows nobody at first, then whom the administrator registered, also after a restart', () => {
    const book = open();
    expect(book.verdictOn(DEVICE)).toBe('not-registered');
    book.set(DEVICE, 'registered');
    expect(book.verdictOn(DEVICE)).toBe('granted');
    expect(open().verdictOn(DEVICE)).toBe('granted');
    book.set(DEVICE, 'revoked');
    expect(open().verdictOn(DEVICE)).toBe('revoked');
    expect(statSync(join(folder, 'devices.json')).mode & 0o777).toBe(0o600);
  });

  test('notices within a quarter of a second what another process wrote', () => {
    const running = open();
    open().set(DEVICE, 'registered');
    nowMs = 250;
    expect(running.verdictOn(DEVICE)).toBe('granted');
    open().set(DEVICE, 'revoked');
    nowMs = 500;
    expect(running.verdictOn(DEVICE)).toBe('revoked');
  });

  test('whom the service provider revoked stays revoked, whatever the clinic wishes, until the provider says otherwise', () => {
    const book = open();
    book.set(DEVICE, 'registered');
    book.putRevokedByProvider('2026-06-01T00:00:00.000Z', [DEVICE]);
    expect(book.verdictOn(DEVICE)).toBe('revoked');
    expect(() => book.set(DEVICE, 'registered')).toThrow('service provider');
    expect(open().verdictOn(DEVICE)).toBe('revoked');
    book.putRevokedByProvider('2026-06-02T00:00:00.000Z', []);
    expect(book.verdictOn(DEVICE)).toBe('granted');
  });

  test('keeps the last good list when a file is damaged while running, and does not start on one', () => {
    const damage: unknown[] = [];
    const book = open((error) => damage.push(error));
    book.set(DEVICE, 'revoked');
    for (const text of ['{', '{}', `{"devices":{"${DEVICE}":"fine"}}`, '{"devices":{"X":"registered"}}']) {
      writeFileSync(join(folder, 'devices.json'), text);
      nowMs += 250;
      expect(book.verdictOn(DEVICE)).toBe('revoked');
      expect(() => open()).toThrow();
    }
    expect(damage).toHaveLength(4);
  });

  test.runIf(process.getuid?.() === 0)('what root writes belongs to the owner of the folder', () => {
    chownSync(folder, 4_242, 4_243);
    open().set(DEVICE, 'registered');
    const { uid, gid, mode } = statSync(join(folder, 'devices.json'));
    expect([uid, gid, mode & 0o777]).toEqual([4_242, 4_243, 0o600]);
  });

  test('takes no id that is not one', () => {
    for (const id of ['', 'x', DEVICE.slice(1), `${DEVICE}0`, '53455348413030XY']) {
      expect(() => open().set(id, 'registered')).toThrow(RangeError);
    }
  });
});

describe('the identity', () => {
  test('is made once, for the owner of the folder alone, and a damaged one is an error', () => {
    // Root looks at it before the service has started for the first time.
    if (process.getuid?.() === 0) chownSync(folder, 65_534, 65_534);
    const first = openIdentity(folder);
    expect(openIdentity(folder).networkId.equals(first.networkId)).toBe(true);
    const { mode, uid } = statSync(join(folder, 'anchor-key.pem'));
    expect(mode & 0o777).toBe(0o600);
    expect(uid).toBe(statSync(folder).uid);
    writeFileSync(join(folder, 'anchor-key.pem'), '');
    expect(() => openIdentity(folder)).toThrow();
  });
});
