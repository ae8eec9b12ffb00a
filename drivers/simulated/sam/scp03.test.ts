import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { parseCommand } from '../command.ts';
import { Scp03Session } from './scp03.ts';
import { TEST_SCP_KEYS } from './state.ts';

const vectors = JSON.parse(readFileSync(new URL('../testdata/scp03.json', import.meta.url), 'utf8'));
const hostChallenge = fromHex(vectors.initializeUpdate.command).slice(5, 13);
const cardChallenge = fromHex(vectors.initializeUpdate.answer).slice(13, 21);
const cardCryptogram = fromHex(vectors.initializeUpdate.answer).slice(21, 29);
const [open, first, second] = vectors.level11;

function openSession(): Scp03Session {
  const session = new Scp03Session(TEST_SCP_KEYS, hostChallenge, cardChallenge);
  session.authenticate(parseCommand(fromHex(open.command)));
  return session;
}

describe('SCP03, card side, against the published vectors', () => {
  it('makes the card cryptogram', () => {
    const session = new Scp03Session(TEST_SCP_KEYS, hostChallenge, cardChallenge);
    expect(toHex(session.cardCryptogram)).toBe(toHex(cardCryptogram));
  });

  it('accepts the host cryptogram and both MACs, and makes the answer MAC', () => {
    const session = openSession();
    expect(session.level).toBe(0x11);
    const command = session.unwrap(parseCommand(fromHex(first.command)));
    expect(toHex(command.data)).toBe(toHex(parseCommand(fromHex(first.plain)).data));
    const answer = session.wrap(fromHex(first.answerData), 0x9000);
    expect(toHex(answer)).toBe(`${first.answerData}${first.answerMac}9000`);
    const next = session.unwrap(parseCommand(fromHex(second.command)));
    expect([next.cla, next.ins, next.p2, next.data.length]).toEqual([0x80, 0xf2, 0x02, 0]);
  });

  it('refuses a changed MAC with 6988 and a changed host cryptogram', () => {
    const session = openSession();
    const changed = fromHex(first.command);
    changed[6] = (changed[6] ?? 0) ^ 1;
    expect(() => session.unwrap(parseCommand(changed))).toThrow('6988');
    const other = new Scp03Session(TEST_SCP_KEYS, new Uint8Array(8), cardChallenge);
    expect(() => other.authenticate(parseCommand(fromHex(open.command)))).toThrow('6988');
  });

  it('sends an error status without protection', () => {
    const session = openSession();
    session.unwrap(parseCommand(fromHex(first.command)));
    expect(toHex(session.wrap(new Uint8Array(), 0x6a88))).toBe('6A88');
  });
});
