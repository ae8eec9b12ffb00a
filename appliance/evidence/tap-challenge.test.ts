import { expect, test } from 'vitest';
import { tapChallenge, tapMessage } from './tap-challenge.ts';
import vector from './testdata/tap-challenge.json' with { type: 'json' };

test('the tap challenge is made again from the evidence, byte for byte', () => {
  expect(tapMessage(vector.fields).toString('hex')).toBe(vector.message);
  expect(tapChallenge(vector.fields)).toBe(vector.tapChallenge);
});

test.each([
  { samId: '0102030405060709' },
  { useCounter: 65539 },
  { tapId: '7f0f7f60-3c1e-4b52-9a55-0a1b2c3d4e5f' },
  { consentDigest: 'ab'.repeat(32) },
  { cardChallenge: '00112233' },
  { ticks: '18446744073709552' },
  { tickNonce: '00'.repeat(16) },
])('it depends on %o', (changed) => {
  expect(tapChallenge({ ...vector.fields, ...changed })).not.toBe(vector.tapChallenge);
});
