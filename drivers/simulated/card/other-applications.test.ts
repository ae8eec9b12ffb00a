import { constants, createPublicKey, publicDecrypt, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { sha256 } from '../crypto/hash.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { readCardFaceImages, readPerson } from '../people.ts';
import { CardTerminal, openTestCards } from '../testing/test-cards.ts';
import { parseTlvs } from '../tlv.ts';
import { atqbOf, atrOf, linkOf } from './identity.ts';
import type { CardVariant } from './image.ts';

const identity = JSON.parse(readFileSync(new URL('../testdata/identity.json', import.meta.url), 'utf8'));
const cards = openTestCards();
const hanako = cards.myNumber('mihon-hanako');
const holder = readPerson('mihon-hanako');
afterAll(() => cards.pki.remove());

const hexOf = (text: string): string => Buffer.from(text, 'latin1').toString('hex');

function select(aid: string): CardTerminal {
  const terminal = new CardTerminal(hanako);
  terminal.data(`00A4040C0A${aid}`);
  return terminal;
}

describe('card-face application', () => {
  const AID = 'D3921000310001010402';
  const codeB = `002000920E${hexOf(holder.verificationNumberB)}`;

  it('gives the face to 照合番号B, with the issuer’s signature over its three segments', () => {
    const terminal = select(AID);
    expect(terminal.send('00B0820000')).toBe('6982');
    terminal.data(codeB);
    const bytes = terminal.readFile('0002');
    const length = 5 + (bytes[3] ?? 0) * 256 + (bytes[4] ?? 0);
    expect(toHex(bytes.slice(length))).toMatch(/^(FF)*$/);
    const objects = new Map(parseTlvs(bytes.slice(5, length)).map((object) => [object.tag, object]));
    const images = readCardFaceImages('mihon-hanako');
    expect(toHex(objects.get(0xdf27)?.value ?? new Uint8Array())).toBe(toHex(images.photoJp2));
    expect(Buffer.from(objects.get(0xdf29)?.value ?? []).toString()).toBe('20340412');
    const hash = (...tags: number[]): Uint8Array =>
      sha256(...tags.map((tag) => objects.get(tag)?.encoded ?? new Uint8Array()));
    const digests = concat(hash(0xdf22, 0xdf23, 0xdf24), hash(0xdf25, 0xdf26), hash(0xdf27));
    const signature = objects.get(0xdf28)?.value ?? new Uint8Array();
    const key = { key: createPublicKey(testRsaKey(29)), padding: constants.RSA_PKCS1_PADDING };
    expect(toHex(publicDecrypt(key, signature))).toBe(
      `3071300D060960864801650304020105000460${toHex(digests)}`,
    );
    const offsets = objects.get(0xdf21)?.value ?? new Uint8Array();
    const photoOffset = (offsets[10] ?? 0) * 256 + (offsets[11] ?? 0);
    expect(toHex(bytes.slice(photoOffset, photoOffset + 2))).toBe('DF27');
  });

  it('keeps the number from 照合番号B, and everything but the age from the birth date', () => {
    const terminal = select(AID);
    terminal.data(codeB);
    expect(terminal.send('00B0850000')).toBe('6982');
    const young = select(AID);
    young.data(`0020009106${hexOf(holder.verificationNumberB.slice(0, 6))}`);
    expect(young.send('00B0810000')).toMatch(/^FF1082021E.*9000$/);
    expect(young.send('00B0820000')).toBe('6982');
    const all = select(AID);
    all.data(`002000930C${hexOf(holder.individualNumber ?? '')}`);
    expect(all.send('00B0850000')).toMatch(/9000$/);
  });

  it('has no secure messaging', () => {
    expect(select(AID).send('80AE0000')).toBe('66F1');
    expect(select(AID).send('08B0000000')).toBe('69FC');
  });
});

describe('common and Juki applications', () => {
  it('reads the card record', () => {
    const answer = select('D3921000310001010100').send('00B2010400');
    expect(answer).toMatch(/^011C(3\d){28}9000$/);
    expect(Buffer.from(fromHex(answer).slice(-10, -2)).toString()).toBe('20340412');
  });

  it('signs a challenge without PIN, always the same', () => {
    const terminal = select('D3921000310001010100');
    const signature = terminal.data('008800990401020304 00');
    expect(verify('sha256', fromHex('01020304'), createPublicKey(testRsaKey(24)), signature)).toBe(true);
    expect(toHex(terminal.data('008800990401020304 00'))).toBe(toHex(signature));
    expect(terminal.send('008800980401020304 00')).toBe('6985');
    expect(terminal.send('80AE0000')).toBe('66F1');
  });

  it('changes a key in the older form', () => {
    const terminal = select('D3921000310001010401');
    terminal.data('00A4020C02001C');
    terminal.data('002000800431323334');
    terminal.data('803200800434333231');
    expect(terminal.send('002000800434333231')).toBe('9000');
  });
});

describe('issuer security domain', () => {
  it('answers GET DATA after power-up and after its own SELECT', () => {
    const terminal = new CardTerminal(hanako);
    expect(terminal.send('00CA00F000')).toBe('F00539393939399000');
    expect(terminal.send('00CA5F5100')).toBe('DA13FF8131FB468012392F31C173C601C03B9000');
    expect(terminal.send('00CA7F2100')).toBe('6700');
    expect(terminal.data('00CA7F21000000')).toHaveLength(568);
    expect(terminal.send('00CA004300')).toBe('6A88');
    terminal.data('00A4040C0AD392F000260100000001');
    expect(terminal.send('00CA00F000')).toBe('6D00');
    terminal.data('00A4040C07A0000001510000');
    expect(terminal.send('00CA00F000')).toMatch(/9000$/);
  });

  it('gives challenges of any short length, everywhere', () => {
    const terminal = new CardTerminal(hanako);
    expect(terminal.data('0084000008')).toHaveLength(8);
    expect(terminal.data('0084000000')).toHaveLength(256);
    expect(terminal.send('00840000000010')).toBe('6985');
    expect(terminal.send('00840000')).toBe('6700');
  });
});

describe('HPKI card', () => {
  const AUTH = '00A4040010E828BD080FA00000039100000000000200';
  const image = cards.hpki();

  it('reads freely, counts fifteen tries, and signs a DigestInfo', () => {
    const terminal = new CardTerminal(image);
    expect(terminal.send(AUTH)).toMatch(/^6F12.*9000$/);
    expect(terminal.readFile('0016').length).toBeGreaterThan(600);
    terminal.data('00A4020C020002');
    expect(terminal.send('00200088')).toBe('63CF');
    expect(terminal.send('002000880430303030')).toBe('63CE');
    const info = `3031300D060960864801650304020105000420${toHex(sha256(fromHex('AA')))}`;
    terminal.data('00A4020C02000C');
    expect(terminal.send(`802A008033${info}00`)).toBe('6982');
    terminal.data('002000880431343730');
    const signature = terminal.data(`802A008033${info}00`);
    expect(verify('sha256', fromHex('AA'), createPublicKey(testRsaKey(2)), signature)).toBe(true);
    expect(terminal.send(`802A028020${'00'.repeat(32)}00`)).toBe('6A86');
  });

  it('is no My Number card, and the other way round', () => {
    expect(new CardTerminal(image).send('00A4040C0AD392F000260100000001')).toBe('6A82');
    expect(new CardTerminal(hanako).send(AUTH)).toBe('6A82');
  });

  it('keeps a PIN for each application', () => {
    const terminal = new CardTerminal(image);
    terminal.send(AUTH);
    terminal.send('002000880430303030');
    terminal.send('00A4040010E828BD080FA00000039100000000000100');
    expect(terminal.send('00200088')).toBe('63CF');
  });
});

describe('quirks and identity', () => {
  it('may fail the first command after power-up', () => {
    const terminal = new CardTerminal(cards.myNumber('mihon-taro', { quirks: { failsFirstCommand: true } }));
    expect(terminal.send('00A4040C0AD392F000260100000001')).toBe('6F00');
    expect(terminal.send('00A4040C0AD392F000260100000001')).toBe('9000');
  });

  it('may chain its answers, and always takes chained commands', () => {
    const terminal = new CardTerminal(cards.myNumber('mihon-hanako', { quirks: { chainsResponses: true } }));
    terminal.data('00A4040C0AD392F000260100000001');
    terminal.data('002000980431323334');
    const sign = `802A029720${'33'.repeat(32)}00`;
    expect(terminal.send(sign)).toBe('6100');
    const whole = terminal.send('00C0000000');
    expect(terminal.send(sign)).toBe('6100');
    expect(terminal.send('00C00000F0')).toMatch(/6110$/);
    expect(terminal.send('00C0000010')).toMatch(/9000$/);
    expect(terminal.send('00C0000010')).toBe('6985');
    expect(terminal.send(`902A029710${'33'.repeat(16)}`)).toBe('9000');
    expect(terminal.send(`802A029710${'33'.repeat(16)}00`)).toBe('6100');
    expect(terminal.send('00C0000000')).toBe(whole);
  });

  it('says nothing useful without power, and is never shorter than two bytes', () => {
    const terminal = new CardTerminal(hanako);
    terminal.card.powerOff();
    expect(terminal.send('00A4040C0AD392F000260100000001')).toBe('6F00');
    expect(terminal.send('')).toHaveLength(4);
  });

  it.each(Object.entries(identity.atr as Record<string, string>))('shows the ATR of %s', (variant, atr) => {
    expect(atrOf(linkOf(variant as CardVariant))).toBe(atr);
  });

  it('shows an ATQB with a new PUPI for each activation', () => {
    const terminal = new CardTerminal(hanako);
    const first = toHex(terminal.card.atqb ?? new Uint8Array());
    expect(first).toMatch(/^50.{8}000041E0B381A1$/);
    terminal.card.powerOff();
    terminal.card.powerOn();
    expect(toHex(terminal.card.atqb ?? new Uint8Array())).not.toBe(first);
    expect(atqbOf(linkOf('android'), new Uint8Array(4))).toBeUndefined();
    expect(atrOf(linkOf('iphone'))).toBe('3B80800101');
  });
});
