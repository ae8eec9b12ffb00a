import { createPublicKey, verify } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { fromHex, toHex } from './bytes.ts';
import type { CardImage } from './card/image.ts';
import { cloneWithKey, relayedWith, withCopiedFiles } from './clone.ts';
import { presenceKeysOf } from './issue/card-signer.ts';
import { testRsaKey } from './keys/test-keys.ts';
import { readPerson } from './people.ts';
import { CardTerminal, openTestCards } from './testing/test-cards.ts';

const cards = openTestCards();
afterAll(() => cards.pki.remove());

describe('a card with the face of another', () => {
  const AID = '00A4040C0AD3921000310001010402';
  const face = (image: CardImage, holder: string): { file: string; signature: string } => {
    const terminal = new CardTerminal(image);
    terminal.data(AID);
    const code = Buffer.from(readPerson(holder).verificationNumberB).toString('hex');
    terminal.data(`002000920E${code}`);
    return {
      file: toHex(terminal.readFile('0002')),
      signature: toHex(terminal.data('802A00000400112233 00')),
    };
  };
  const [taro, hanako] = ['mihon-taro', 'mihon-hanako'].map((person, index) =>
    cards.myNumber(person, { presenceKeys: presenceKeysOf(index) }),
  ) as [CardImage, CardImage];

  it('that is copied shows its picture and signs with the key of its own chip', () => {
    const copied = face(withCopiedFiles(taro, hanako), 'mihon-hanako');
    expect(copied.file).toBe(face(hanako, 'mihon-hanako').file);
    expect(copied.signature).toBe(face(taro, 'mihon-taro').signature);
    expect(copied.signature).not.toBe(face(hanako, 'mihon-hanako').signature);
  });

  it('that is relayed signs with the other key too', () => {
    expect(face(relayedWith(taro, hanako), 'mihon-hanako')).toEqual(face(hanako, 'mihon-hanako'));
  });
});

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
