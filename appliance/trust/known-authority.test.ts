import { afterAll, expect, test } from 'vitest';
import { MalformedDer } from './der.ts';
import { parseAuthority } from './known-authority.ts';
import { openFolder, openRoot } from './testdata/openssl-authority.ts';

const folder = openFolder();
afterAll(() => folder.remove());

test('the same bytes are parsed once, other bytes are another certificate', () => {
  const ca = openRoot(folder.directory, 'known', { key: 'p-256' });
  const first = parseAuthority(ca.certificate.der);
  expect(parseAuthority(ca.certificate.der.slice())).toBe(first);
  const other = parseAuthority(ca.issue('other').der);
  expect(other).not.toBe(first);
  expect(other.serial).not.toEqual(first.serial);
});

test('what was changed afterwards by the caller is not what is known', () => {
  const { der } = openRoot(folder.directory, 'changed', { key: 'p-256' }).certificate;
  const bytes = Uint8Array.from(der);
  const parsed = parseAuthority(bytes);
  bytes.fill(0);
  expect(parsed.der).toEqual(Uint8Array.from(der));
  expect(() => parseAuthority(bytes)).toThrow(MalformedDer);
});

test('only so many are remembered', () => {
  const ca = openRoot(folder.directory, 'many', { key: 'p-256' });
  const first = parseAuthority(ca.certificate.der);
  for (let count = 0; count < 16; count += 1) parseAuthority(ca.issue(`one-${count}`).der);
  const again = parseAuthority(ca.certificate.der);
  expect(again).not.toBe(first);
  expect(again.der).toEqual(first.der);
});
