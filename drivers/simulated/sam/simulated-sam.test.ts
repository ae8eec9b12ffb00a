import { createHash, createPublicKey, verify } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { openOpensslPki } from '../testing/openssl-pki.ts';
import {
  CV_CERTIFICATE,
  ORGANISATION_KEY,
  ORGANISATION_KEY_P384,
  personaliseSam,
  SP_KEY,
  TICK_PERIOD_MS,
} from '../testing/personalised-sam.ts';
import { GET_CHALLENGE, SamFixture, tapCommand } from '../testing/sam-fixture.ts';
import {
  NETWORK_ID,
  SAM_ID,
  SELECT_SAM,
  signedOrder,
  unlockOrder,
  withData,
} from '../testing/sam-personaliser.ts';
import { parseSequence, parseTlv } from '../tlv.ts';

const pki = openOpensslPki();
const { state: personalised } = personaliseSam(pki);
afterAll(() => pki.remove());

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));
const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

let sam: SamFixture;
beforeEach(() => {
  sam = new SamFixture(personalised);
});

describe('SAM: online unlock', () => {
  it('opens to the service provider and shows it', () => {
    expect(sam.status(0x89)).toBe('01');
    expect(sam.terminal.send('00CADF3000')).toBe('6982');
    expect(sam.unlock()).toBe('9000');
    expect(sam.status(0x89)).toBe('02');
    expect(sam.status(0x82)).toBe(NETWORK_ID);
    expect(sam.status(0x87)).toBe('0003');
    expect(toHex(sam.terminal.data('00CADF30000000'))).toBe(toHex(CV_CERTIFICATE));
    expect(sam.terminal.send('00CADF31000000')).toBe('6A88');
  });

  it.each([
    ['another key', {}, ORGANISATION_KEY_P384, '6988'],
    ['another SAM', { samId: 'FF'.repeat(8) }, SP_KEY, '6988'],
    ['another challenge', { challenge: new Uint8Array(32) }, SP_KEY, '6988'],
  ])('stays locked for %s', (_what, changes, key, status) => {
    expect(sam.unlock(changes, key)).toBe(status);
    expect(sam.status(0x89)).toBe('01');
  });

  it('takes a challenge once, whether it served or not', () => {
    const order = signedOrder(SP_KEY, unlockOrder({ challenge: sam.terminal.data(GET_CHALLENGE) }));
    expect(sam.terminal.send(withData('00820001', fromHex('3000')))).toBe('6A80');
    expect(sam.terminal.send(withData('00820001', order))).toBe('6985');
    expect(sam.unlock()).toBe('9000');
    expect(sam.terminal.send(withData('00820001', order))).toBe('6985');
  });

  it('takes only the newest challenge', () => {
    const old = sam.terminal.data(GET_CHALLENGE);
    sam.terminal.data(GET_CHALLENGE);
    expect(
      sam.terminal.send(withData('00820001', signedOrder(SP_KEY, unlockOrder({ challenge: old })))),
    ).toBe('6988');
  });

  it.each(['power', 'reset', 're-select', 'LOCK'])(
    'is locked again by %s, with new ticks and nonce',
    (how) => {
      sam.unlock();
      const nonce = sam.status(0x85);
      sam.nowMs += 1000;
      if (how === 'LOCK') sam.terminal.data('80180000');
      if (how === 'power') sam.terminal.sam.powerOff();
      if (how === 'reset') sam.terminal.sam.warmReset();
      sam.terminal.sam.powerOn();
      if (how !== 'LOCK') sam.terminal.data(SELECT_SAM);
      expect(sam.status(0x89)).toBe('01');
      expect(sam.terminal.send(tapCommand())).toBe('6982');
      expect(sam.status(0x85) === nonce).toBe(how === 'LOCK');
      expect(sam.status(0x84)).toBe(how === 'LOCK' ? '000000000000000A' : '00'.repeat(8));
    },
  );

  it('ends by itself when its ticks are over', () => {
    sam.unlock({ maxTicks: 10 });
    sam.nowMs += 9 * TICK_PERIOD_MS;
    expect(sam.status(0x89)).toBe('02');
    sam.nowMs += TICK_PERIOD_MS;
    expect(sam.status(0x89)).toBe('01');
    expect(sam.terminal.send(tapCommand())).toBe('6982');
  });
});

describe('SAM: organisation key', () => {
  it.each([
    ['RSA-2048', 1, ORGANISATION_KEY],
    ['P-384', 2, ORGANISATION_KEY_P384],
  ])('signs a card challenge with %s and binds the tap', (_name, suite, key) => {
    sam.unlock();
    sam.nowMs += 250;
    const answer = parseTlv(sam.terminal.data(tapCommand(suite)), 0xe6);
    const none = new Uint8Array();
    const [counter = none, ticks = none, tapChallenge = none, signature = none] = parseSequence(
      answer.value,
      [0x83, 0x84, 0x92, 0x9e],
    );
    const cardChallenge = new Uint8Array(16).fill(3);
    const publicKey = createPublicKey(key);
    const isGenuine =
      suite === 1
        ? verify('sha256', cardChallenge, publicKey, signature)
        : verify('sha384', cardChallenge, { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature);
    expect(isGenuine).toBe(true);
    expect([toHex(counter), toHex(ticks)]).toEqual(['00000001', '0000000000000002']);
    const expected = sha256(
      text('SEKISHO-TAP-1'),
      fromHex(SAM_ID),
      counter,
      new Uint8Array(16).fill(4),
      new Uint8Array(32).fill(5),
      cardChallenge,
      ticks,
      fromHex(sam.status(0x85)),
    );
    expect(toHex(tapChallenge)).toBe(toHex(expected));
  });

  it('counts every use before it signs, and stops at the limit', () => {
    sam.unlock({ maxUses: 2 });
    sam.terminal.data(tapCommand());
    sam.terminal.data(tapCommand());
    expect(sam.terminal.send(tapCommand())).toBe('6983');
    expect(sam.saves.map(({ useCounter }) => useCounter)).toEqual([1, 2]);
    expect(sam.unlock({ maxUses: 1 })).toBe('9000');
    sam.terminal.data(tapCommand());
    expect(sam.status(0x83)).toBe('00000003');
  });

  it('does not count what it refuses', () => {
    sam.unlock();
    expect(sam.terminal.send(tapCommand(3))).toBe('6A80');
    expect(sam.terminal.send(tapCommand(1, new Uint8Array(7)))).toBe('6A80');
    expect(sam.terminal.send(withData('002A9E9B', new Uint8Array(4), '00'))).toBe('6A86');
    expect(sam.saves).toHaveLength(0);
  });
});

describe('SAM: commands', () => {
  it.each([
    ['an unknown class', 'B0CADF2000', '6E00'],
    ['an unknown instruction', '00B0000000', '6D00'],
    ['an unknown object', '00CA004200', '6A88'],
    ['a challenge of another length', '0084000010', '6700'],
    ['wrong parameters', '0084010020', '6A86'],
    ['another application', '00A4040007A000000151000000', '6A82'],
    ['a signature while locked', toHex(tapCommand()), '6982'],
  ])('answers %s with its status word', (_what, command, status) => {
    expect(sam.terminal.send(command)).toBe(status);
  });

  it('refuses to work unselected or without power', () => {
    sam.terminal.sam.powerOff();
    expect(sam.terminal.send(SELECT_SAM)).toBe('6F00');
    sam.terminal.sam.powerOn();
    expect(sam.terminal.send('00CADF2000')).toBe('6985');
  });

  it('shows an ATR whose check byte is right', () => {
    const { atr } = sam.terminal.sam;
    expect(atr.slice(1).reduce((xor, byte) => xor ^ byte, 0)).toBe(0);
    // T0 announces the historical bytes: everything between TB3 and TCK.
    expect((atr[1] ?? 0) & 0x0f).toBe(atr.length - 7 - 1);
  });
});
