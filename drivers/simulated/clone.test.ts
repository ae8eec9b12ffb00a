import { createPublicKey, verify } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { fromHex, toHex } from './bytes.ts';
import { cloneWithKey } from './clone.ts';
import { testRsaKey } from './keys/test-keys.ts';
import { CardTerminal, openTestCards } from './testing/test-cards.ts';

const cards = openTestCards();
afterAll(() => cards.pki.remove());

describe('cloned card', () => {
  it('shows the right certificate and signs with the wrong key', () => {
    const original = cards.myNumber('mihon-taro');
    const [real, fake] = [original, cloneWithKey(original, testRsaKey(12))].map((image) => {
      const terminal = new CardTerminal(image);
      terminal.data('00A4040C0AD392F000260100000001');
      const certificate = toHex(terminal.readFile('000A'));
      terminal.data('002000980432333435');
      return { certificate, signature: terminal.data('802A039702AABB00') };
    });
    expect(fake?.certificate).toBe(real?.certificate);
    const key = createPublicKey(testRsaKey(0));
    expect(verify('sha256', fromHex('AABB'), key, real?.signature ?? new Uint8Array())).toBe(true);
    expect(verify('sha256', fromHex('AABB'), key, fake?.signature ?? new Uint8Array())).toBe(false);
  });
});
