import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { parseCommand } from '../apdu.ts';
import { concatBytes, encodeHex } from '../bytes.ts';
import type { CardChannel } from '../channel.ts';
import { type CardExchange, openExchange } from '../exchange.ts';
import { encodeRsaPublicKey } from '../testing/cv-issuer.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { verifyTextNumberB } from '../text/application.ts';
import { readAttributes } from '../text/attributes.ts';
import { encodeTlv } from '../tlv.ts';
import { encodeCryptogram, encodeKeyDelivery, parseCryptogram, sessionKey } from './messages.ts';
import { withTextSecureMessaging } from './session.ts';

interface Vectors {
  readonly seedHex: string;
  readonly objects: { readonly counter: number; readonly plainHex: string; readonly objectHex: string }[];
}

const vectors = JSON.parse(
  readFileSync(new URL('../testdata/secure-messaging.json', import.meta.url), 'utf8'),
) as Vectors;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'ascii'));
const seed = bytes(vectors.seedHex);
const key = sessionKey(seed);

const state = mkdtempSync(join(tmpdir(), 'sekisho-sm-'));
afterAll(() => rmSync(state, { recursive: true }));
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: state, stdio: 'pipe' });

beforeAll(() => {
  openssl('genrsa', '-out', 'card.pem', '2048');
});

/** The card's half of the key delivery, by openssl. */
function unwrapSeed(delivered: Uint8Array): string {
  writeFileSync(join(state, 'delivered'), delivered);
  const decrypt = ['pkeyutl', '-decrypt', '-inkey', 'card.pem', '-in', 'delivered'];
  const oaep = ['rsa_padding_mode:oaep', 'rsa_oaep_md:sha256', 'rsa_mgf1_md:sha256'];
  return encodeHex(openssl(...decrypt, ...oaep.flatMap((option) => ['-pkeyopt', option])));
}

const cardKey = () => createPublicKey(readFileSync(join(state, 'card.pem')));

describe('messages', () => {
  it.each(vectors.objects)('agree with openssl at counter $counter', ({ counter, plainHex, objectHex }) => {
    expect(encodeHex(encodeCryptogram(key, counter, bytes(plainHex)))).toBe(objectHex);
    expect(encodeHex(parseCryptogram(key, counter, bytes(objectHex)))).toBe(plainHex);
  });

  it('deliver the seed so that openssl can unwrap it', () => {
    expect(unwrapSeed(encodeKeyDelivery(seed, cardKey()))).toBe(`A0228020${vectors.seedHex}`);
  });

  it('come back from their own encoding, and are not read at another counter', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.integer({ min: 1, max: 1000 }), (plain, counter) => {
        const object = encodeCryptogram(key, counter, plain);
        expect(parseCryptogram(key, counter, object)).toEqual(plain);
        // CBC: a wrong vector spoils the first block only, so a longer text still unpads, to something else.
        try {
          expect(parseCryptogram(key, counter + 1, object)).not.toEqual(plain);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 100 },
    );
  });

  it.each([
    ['another indicator', `861102${'00'.repeat(16)}`],
    ['half a block', `860901${'00'.repeat(8)}`],
    ['no cryptogram', '860101'],
    ['an empty object', '8600'],
    ['another object', `871101${'00'.repeat(16)}`],
    ['text without padding', `861101${'00'.repeat(16)}`],
  ])('refuse %s', (_, hex) => {
    expect(() => parseCryptogram(key, 1, bytes(hex))).toThrow(SekishoError);
  });
});

/** A card that answers the opening by itself and the rest by script. */
function cardWith(script: readonly ScriptLine[]): CardChannel & { readonly scripted: ScriptedChannel } {
  const scripted = new ScriptedChannel(script);
  return {
    name: 'test:card',
    identity: new Uint8Array(),
    maxCommandBytes: 65_544,
    scripted,
    close: async () => {},
    transmit: async (wire) => {
      const { cla, ins, data } = parseCommand(wire);
      if (cla === 0x08) return scripted.transmit(wire);
      if (ins === 0xb0) {
        return concatBytes(encodeTlv(0xa1, encodeRsaPublicKey(cardKey())), Uint8Array.of(0x90, 0x00));
      }
      if (ins === 0xae) expect(unwrapSeed(data!)).toBe(`A0228020${vectors.seedHex}`);
      return Uint8Array.of(0x90, 0x00);
    },
  };
}

const openSession = (channel: CardChannel): Promise<CardExchange> =>
  withTextSecureMessaging(openExchange(channel), { bytes: () => seed.slice() });

describe('a session', () => {
  const [number, fileId, file] = vectors.objects;

  it('lets the ordinary commands run inside it: VERIFY, SELECT, READ BINARY', async () => {
    const channel = cardWith([
      [`08200095 13 ${number!.objectHex}`, '9000'],
      [`08A4020C 13 ${fileId!.objectHex}`, '9000'],
      ['08B00000 000005 9603000100 0000', `${file!.objectHex} 9000`],
    ]);
    const session = await openSession(channel);
    await verifyTextNumberB(session, ascii('55021720352285'));
    expect((await readAttributes(session)).attributes.birthDate).toBe('19800217');
    channel.scripted.assertFinished();
    expect(session.meter.count).toBe(3 + 3);
  });

  it('counts refused commands, and commands sent at once, in order', async () => {
    const channel = cardWith([
      [`08200095 13 ${number!.objectHex}`, '63C9'],
      [`08A4020C 13 ${fileId!.objectHex}`, '6A82'],
    ]);
    const session = await openSession(channel);
    const select = { cla: 0, ins: 0xa4, p1: 2, p2: 0x0c, data: bytes('0002') };
    const [wrong, missing] = await Promise.allSettled([
      verifyTextNumberB(session, ascii('55021720352285')),
      session.send(select),
    ]);
    expect(wrong).toMatchObject({
      reason: { code: 'patient.security-code-wrong', context: { triesLeft: 9 } },
    });
    expect(missing).toMatchObject({ value: { sw: 0x6a82 } });
    channel.scripted.assertFinished();
  });

  it.each(['6988', '69FC', '6987', '6882'])('is over after %s', async (sw) => {
    const channel = cardWith([[`08A4020C 13 ${encodeHex(encodeCryptogram(key, 1, bytes('0002')))}`, sw]]);
    const session = await openSession(channel);
    const select = { cla: 0, ins: 0xa4, p1: 2, p2: 0x0c, data: bytes('0002') };
    expect((await session.send(select)).sw).toBe(Number.parseInt(sw, 16));
    await expect(session.send(select)).rejects.toMatchObject({ code: 'card.security-status' });
    channel.scripted.assertFinished();
  });

  it('is over after a lost answer', async () => {
    const lost: ScriptLine = [
      `08A4020C 13 ${encodeHex(encodeCryptogram(key, 1, bytes('0002')))}`,
      new SekishoError('card.mute'),
    ];
    const session = await openSession(cardWith([lost]));
    const select = { cla: 0, ins: 0xa4, p1: 2, p2: 0x0c, data: bytes('0002') };
    await expect(session.send(select)).rejects.toMatchObject({ code: 'card.mute' });
    await expect(session.send(select)).rejects.toMatchObject({ code: 'card.security-status' });
  });
});
