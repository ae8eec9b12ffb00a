import {
  constants,
  createCipheriv,
  createDecipheriv,
  createPublicKey,
  publicEncrypt,
  verify,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { makeAttributes } from '../issue/text-application.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { readPerson } from '../people.ts';
import { CardTerminal, extended, openTestCards } from '../testing/test-cards.ts';
import { parseSequence, parseTlv, parseTlvs } from '../tlv.ts';

const published = JSON.parse(readFileSync(new URL('../testdata/attributes.json', import.meta.url), 'utf8'));
const SELECT_TEXT = '00A4040C0AD3921000310001010408';
const PIN = '002000910431323334';

const cards = openTestCards();
const hanako = cards.myNumber('mihon-hanako');
const holder = readPerson('mihon-hanako');
afterAll(() => cards.pki.remove());

const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');
const CODE_A = `002000940C${hexOf(holder.individualNumber ?? '')}`;
const CODE_B = `002000950E${hexOf(holder.verificationNumberB)}`;

function inText(): CardTerminal {
  const terminal = new CardTerminal(hanako);
  terminal.data(SELECT_TEXT);
  return terminal;
}

/** Fixed, because what a wrong counter makes of a command is up to the key. */
function seedOf(prefix: string): Buffer {
  return Buffer.from(prefix.padEnd(64, '0'), 'hex');
}

/** The terminal's half of secure messaging, with node:crypto only. */
class SecureTerminal {
  readonly terminal: CardTerminal;
  readonly #key: Buffer;
  counter = 0;

  constructor(terminal: CardTerminal, seed: Buffer) {
    this.terminal = terminal;
    this.#key = seed.subarray(0, 16);
    const key = {
      key: createPublicKey(testRsaKey(26)),
      padding: constants.RSA_PKCS1_OAEP_PADDING,
      oaepHash: 'sha256',
    };
    terminal.data(extended('80AE0000', publicEncrypt(key, Buffer.concat([fromHex('A0228020'), seed]))));
  }

  #iv(): Buffer {
    const block = Buffer.alloc(16);
    block.writeUInt32BE(this.counter, 12);
    return createCipheriv('aes-128-ecb', this.#key, null).update(block);
  }

  send(header: string, plain: string): string {
    this.counter += 1;
    const padded = Buffer.alloc(16 * (Math.floor(plain.length / 2 / 16) + 1));
    padded.set(fromHex(`${plain}80`));
    const cipher = createCipheriv('aes-128-cbc', this.#key, this.#iv()).setAutoPadding(false);
    const object = concat(Uint8Array.of(0x86, padded.length + 1, 1), cipher.update(padded));
    return this.terminal.send(`${header}${object.length.toString(16).padStart(2, '0')}${toHex(object)}`);
  }

  read(offset: string, length: string): string {
    this.counter += 1;
    const answer = this.terminal.data(`08B0${offset}00 0005 960300${length} 0000`);
    const value = parseTlv(answer, 0x86).value;
    const decipher = createDecipheriv('aes-128-cbc', this.#key, this.#iv()).setAutoPadding(false);
    return toHex(decipher.update(value.slice(1))).replace(/80(00)*$/, '');
  }
}

describe('text application', () => {
  it('writes the attributes exactly as the published card does', () => {
    const { name, address, birth, sex } = published;
    expect(toHex(makeAttributes({ ...holder, name, address, birth, sex }).encoded)).toBe(published.file);
  });

  it.each([
    ['nothing', [], ['6982', '6982', '6982']],
    ['the PIN', [PIN], ['9000', '9000', '9000']],
    ['照合番号A', [CODE_A], ['9000', '6982', '9000']],
    ['照合番号B', [CODE_B], ['6982', '9000', '9000']],
  ])('opens number, attributes and record to %s', (_what, verifications, expected) => {
    const terminal = inText();
    for (const command of verifications) terminal.data(command);
    const statuses = ['81', '82', '83'].map((sfi) => terminal.send(`00B0${sfi}0000`).slice(-4));
    expect(statuses).toEqual(expected);
  });

  it('holds records that verify from the root of its certificate down', () => {
    const terminal = inText();
    terminal.data(PIN);
    const certificate = terminal.readFile('0004');
    expect(certificate).toHaveLength(568);
    const [body = new Uint8Array(), signature = new Uint8Array()] = parseSequence(
      parseTlv(certificate, 0x7f21).value,
      [0x5f4e, 0x5f37],
    );
    expect(verify('sha256', body, createPublicKey(testRsaKey(30)), signature)).toBe(true);
    const signer = createPublicKey(testRsaKey(28));
    const [numbers, attributes, mark] = parseTlvs(parseTlv(terminal.readFile('0003'), 0xff30).value);
    if (numbers === undefined || attributes === undefined || mark === undefined) throw new Error('no record');
    expect(verify('sha256', concat(numbers.encoded, attributes.encoded), signer, mark.value)).toBe(true);
    expect(toHex(sha256(terminal.data('00B0810000')))).toBe(toHex(numbers.value));
    const [ownKey, ownMark] = parseTlvs(parseTlv(terminal.readFile('0007'), 0xff50).value);
    expect(verify('sha256', ownKey?.encoded ?? body, signer, ownMark?.value ?? body)).toBe(true);
  });

  it('proves without PIN that it is no copy', () => {
    const terminal = inText();
    const signature = terminal.data(`802A020020${'07'.repeat(32)}00`);
    expect(signature).toHaveLength(256);
    const info = `3031300D060960864801650304020105000420${'07'.repeat(32)}`;
    expect(toHex(terminal.data(`802A000033${info}00`))).toBe(toHex(signature));
  });

  it('has one PIN that is blocked as issued', () => {
    const terminal = inText();
    terminal.data('00A4020C020012');
    expect(terminal.send('00200080')).toBe('63C0');
    expect(terminal.send('002000800431323334')).toBe('6984');
  });
});

describe('secure messaging of the text application', () => {
  function open(seed = seedOf('01')): SecureTerminal {
    const terminal = inText();
    terminal.data(PIN);
    return new SecureTerminal(terminal, seed);
  }

  it('needs the PIN first; 照合番号A is not enough', () => {
    const terminal = inText();
    terminal.data(CODE_A);
    expect(terminal.send(extended('80AE0000', new Uint8Array(256)))).toBe('6982');
  });

  it('tells a wrong structure from a cryptogram that is too large', () => {
    const terminal = inText();
    terminal.data(PIN);
    expect(terminal.send(extended('80AE0000', new Uint8Array(256).fill(0xff)))).toBe('6F00');
    expect(terminal.send(extended('80AE0000', new Uint8Array(256).fill(0x01)))).toBe('6A80');
  });

  it('reads whole files and parts, and verifies 照合番号A unseen', () => {
    const secure = open();
    expect(secure.send('08200094', hexOf(holder.individualNumber ?? ''))).toBe('9000');
    expect(secure.send('08A4020C', '0001')).toBe('9000');
    expect(secure.read('0000', '0000')).toBe(
      `FF100C${hexOf(holder.individualNumber ?? '').toUpperCase()}FFFF`,
    );
    expect(secure.read('0003', '0004')).toBe('39393930');
  });

  it('counts refused commands too, and plain ones not', () => {
    const secure = open();
    expect(secure.send('08200092', '31323334')).toBe('6984');
    expect(secure.terminal.send('00A4020C020001')).toBe('9000');
    expect(secure.send('08A4020C', '0777')).toBe('6A82');
    expect(secure.send('08A4020C', '0001')).toBe('9000');
  });

  it('is over after one mistake: 6988, then 69FC', () => {
    const secure = open();
    secure.counter += 1;
    expect(secure.send('08A4020C', '0001')).toBe('6988');
    expect(secure.send('08A4020C', '0001')).toBe('69FC');
    expect(open().terminal.send('08B000000596030000 00 00')).not.toBe('6988');
    expect(open().terminal.send('08B00000058603000000 00')).toBe('6988');
  });

  it('has no integrity: what a wrong counter garbles is a command when its end happens to look like padding', () => {
    const secure = open(seedOf('0123'));
    secure.counter += 1;
    // 8C3AD80D…370380: 15 bytes are no file identifier, and the session goes on.
    expect(secure.send('08A4020C', '0001')).toBe('6700');
    secure.counter -= 1;
    expect(secure.send('08A4020C', '0001')).toBe('9000');
  });

  it('has no authenticated form', () => {
    expect(open().terminal.send('0CB0000000')).toBe('6987');
  });

  it('ends with a new SELECT', () => {
    const secure = open();
    secure.terminal.data(SELECT_TEXT);
    expect(secure.send('08A4020C', '0001')).toBe('69FC');
  });
});
