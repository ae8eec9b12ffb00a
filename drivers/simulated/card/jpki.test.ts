import { constants, createPublicKey, publicDecrypt, verify, X509Certificate } from 'node:crypto';
import { afterAll, describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { CardTerminal, openTestCards } from '../testing/test-cards.ts';
import type { CardImage } from './image.ts';

const SELECT_JPKI = '00A4040C0AD392F000260100000001';
const SELECT_PIN = '00A4020C020018';
const PIN_1234 = '002000800431323334';
const PIN_WRONG = '002000800430303030';

const cards = openTestCards();
const hanako = cards.myNumber('mihon-hanako');
afterAll(() => cards.pki.remove());

function inJpki(image: CardImage = hanako): CardTerminal {
  const terminal = new CardTerminal(image);
  terminal.data(SELECT_JPKI);
  return terminal;
}

/** Reads as OpenSC does: the TLV header, then blocks. */
function readCertificate(terminal: CardTerminal, id: string): Uint8Array {
  terminal.data(`00A4020C02${id}`);
  const header = terminal.data('00B0000004');
  const length = 4 + (header[2] ?? 0) * 256 + (header[3] ?? 0);
  const blocks: Uint8Array[] = [];
  for (let offset = 0; offset < length; offset += 256) {
    const le = Math.min(256, length - offset);
    const position = offset.toString(16).padStart(4, '0');
    blocks.push(terminal.data(`00B0${position}${(le & 0xff).toString(16).padStart(2, '0')}`));
  }
  return concat(...blocks);
}

describe('JPKI application: selection and files', () => {
  it.each([
    ['unknown application', '00A4040C07A0000003080000', '6A82'],
    ['a prefix of the name', '00A4040C05D392F00026', '9000'],
    ['unknown file', '00A4020C020777', '6A82'],
    ['the master file', '00A40000023F00', '6A82'],
    ['nothing, inside an application', '00A40000', '9000'],
    ['another channel', '01B0000000', '6881'],
    ['an unknown class', 'F0B0000000', '6E00'],
    ['an unknown instruction', '00FE000000', '6D00'],
    ['GET DATA, as drivers probe', '00CADF3000', '6D00'],
    ['PUT KEY like probes', '00CB3FFF055C017E0800', '6D00'],
    ['the last command of an iPhone', '80FC0000', '6700'],
    ['SET SESSION KEY', '80AE0000', '6982'],
    ['reading a key reference', '00A4020C020016', '9000'],
    ['reading with secure messaging', '08B0000000', '69FC'],
    ['selecting with secure messaging', '08A4020C020006', '6882'],
  ])('answers %s (%s) with %s', (_what, command, status) => {
    expect(inJpki().send(command).slice(-4)).toBe(status);
  });

  it('refuses the empty SELECT before an application is selected', () => {
    expect(new CardTerminal(hanako).send('00A40000')).toBe('6A86');
    expect(new CardTerminal(hanako).send('00A4020C020006')).toBe('6A82');
  });

  it('gives control information when it is asked for', () => {
    const terminal = new CardTerminal(hanako);
    expect(terminal.send('00A404000AD392F00026010000000100')).toBe('6F0C840AD392F0002601000000019000');
  });

  it('has a token label for every variant', () => {
    const label = (person: string): string =>
      Buffer.from(inJpki(cards.myNumber(person)).data('00B08600A0').subarray(0, 16)).toString('latin1');
    expect(label('mihon-hanako').trim()).toBe('JPKIAPICCTOKEN2');
    expect(label('reiji-ken').trim()).toBe('JPKIAPGPSETOKEN');
    expect(label('reiji-mai').trim()).toBe('JPKIAPIOSTOKEN');
    expect(label('shiken-mirai').trim()).toBe('JPKIAPICCTOKEN3');
  });

  it('tells which certificates it has', () => {
    expect(inJpki().send('00B0880000')).toBe('8F8F009000');
    expect(inJpki(cards.myNumber('mihon-koharu')).send('00B0880000')).toBe('008F009000');
  });

  it('reads like a card: filler, short reads at the end, 6B00 behind it', () => {
    const terminal = inJpki();
    terminal.data('00A4020C020006');
    expect(terminal.data('00B0000000')).toHaveLength(160);
    expect(terminal.data('00B0009800')).toHaveLength(8);
    expect(terminal.send('00B000A000')).toBe('6B00');
    expect(terminal.send('00B00000')).toBe('6700');
    const certificate = new X509Certificate(readCertificate(terminal, '000A'));
    expect(certificate.subject).toContain('CN=mihon-hanako');
    const last = certificate.raw.length.toString(16).padStart(4, '0');
    expect(toHex(terminal.data(`00B0${last}00`))).toMatch(/^(FF)*$/);
  });

  it('says which file is missing, protected or none', () => {
    const terminal = inJpki();
    expect(terminal.send('00B0000010')).toBe('6986');
    expect(terminal.send('00B0890010')).toBe('6982');
    expect(terminal.send('00B0810010')).toBe('6982');
    expect(terminal.send('00B0960010')).toBe('6981');
    expect(terminal.send('00B09D0010')).toBe('6A82');
  });

  it('opens the authentication certificate of a phone with the PIN only', () => {
    const terminal = inJpki(cards.myNumber('reiji-ken'));
    expect(terminal.send('00B08A0010')).toBe('6982');
    terminal.data(SELECT_PIN);
    terminal.data('002000800436373839');
    expect(terminal.data('00B08A0010')).toHaveLength(16);
    expect(inJpki(cards.myNumber('reiji-mai')).send('80FC0000')).toBe('9000');
  });
});

describe('JPKI application: PINs', () => {
  it('counts down, blocks, and keeps answering 63C0 to the query', () => {
    const terminal = inJpki();
    terminal.data(SELECT_PIN);
    expect(terminal.send('00200080')).toBe('63C3');
    expect(terminal.send(PIN_WRONG)).toBe('63C2');
    expect(terminal.send(PIN_WRONG)).toBe('63C1');
    expect(terminal.send(PIN_WRONG)).toBe('63C0');
    expect(terminal.send(PIN_1234)).toBe('6984');
    expect(terminal.send('00200080')).toBe('63C0');
  });

  it('restores the counter after the right PIN, by file and by short reference', () => {
    const terminal = inJpki();
    expect(terminal.send('002000980430303030')).toBe('63C2');
    expect(terminal.send('002000980431323334')).toBe('9000');
    expect(terminal.send('00200098')).toBe('63C3');
  });

  it('remembers the counter without power, and in the saved image', () => {
    let saved: CardImage | undefined;
    const terminal = new CardTerminal(hanako, {
      save: (image) => {
        saved = image;
      },
    });
    terminal.data(SELECT_JPKI);
    terminal.send('002000980430303030');
    terminal.card.powerOff();
    terminal.card.powerOn();
    terminal.data(SELECT_JPKI);
    expect(terminal.send('00200098')).toBe('63C2');
    const restored = inJpki(JSON.parse(JSON.stringify(saved)) as CardImage);
    expect(restored.send('00200098')).toBe('63C2');
  });

  it('changes a PIN after the old one was shown', () => {
    const terminal = inJpki();
    terminal.data(SELECT_PIN);
    expect(terminal.send('002401800439393939')).toBe('6982');
    terminal.data(PIN_1234);
    terminal.data('002401800439393939');
    expect(terminal.send(PIN_1234)).toBe('63C2');
    expect(terminal.send('002000800439393939')).toBe('9000');
  });

  it('keeps rights over a warm reset, and loses them with the field and with a new SELECT', () => {
    const sign = `802A0297 20${'11'.repeat(32)}00`;
    const terminal = inJpki();
    terminal.data('002000980431323334');
    terminal.card.warmReset();
    expect(terminal.data(sign)).toHaveLength(256);
    terminal.data(SELECT_JPKI);
    expect(terminal.send(sign)).toBe('6982');
    terminal.data('002000980431323334');
    terminal.card.powerOff();
    terminal.card.powerOn();
    terminal.data(SELECT_JPKI);
    expect(terminal.send(sign)).toBe('6982');
  });

  it('says which reference is no PIN', () => {
    const terminal = inJpki();
    expect(terminal.send('00200080')).toBe('6986');
    terminal.data('00A4020C02000A');
    expect(terminal.send('00200080')).toBe('6981');
    expect(terminal.send('0020008E')).toBe('6A88');
    expect(terminal.send('00200180')).toBe('6A86');
  });
});

describe('JPKI application: signatures', () => {
  const key = createPublicKey(testRsaKey(0));
  const digest = 'AB'.repeat(32);
  const info = `3031300D060960864801650304020105000420${digest}`;
  const message = '68656C6C6F';

  /** What is inside the PKCS#1 v1.5 padding of a signature by key 0017. */
  function recovered(p1: string, data: string): string {
    const terminal = inJpki();
    terminal.data('002000980431323334');
    const length = (data.length / 2).toString(16).padStart(2, '0');
    const signature = terminal.data(`802A${p1}97${length}${data}00`);
    return toHex(publicDecrypt({ key, padding: constants.RSA_PKCS1_PADDING }, signature));
  }

  it('follows the P1 table', () => {
    const hash = cards.pki.openssl('dgst', '-sha256', cards.pki.write('hello', fromHex(message)));
    const messageDigest = hash.slice(-64).toUpperCase();
    const header = info.slice(0, 38);
    expect(recovered('00', info)).toBe(info);
    expect(recovered('01', message)).toBe(messageDigest);
    expect(recovered('02', digest)).toBe(header + digest);
    expect(recovered('03', message)).toBe(header + messageDigest);
  });

  it('makes PSS signatures that openssl verifies, over a hash and over a message', () => {
    const terminal = inJpki();
    terminal.data('002000980431323334');
    const data = cards.pki.write('message', fromHex(message));
    const hash = cards.pki.openssl('dgst', '-sha256', data).slice(-64);
    cards.pki.write('public.pem', key.export({ type: 'spki', format: 'pem' }));
    const commands = [`802A049720${hash}00`, `802A059705${message}00`];
    for (const command of commands) {
      const signature = cards.pki.write('signature', terminal.data(command));
      const padding = ['-sigopt', 'rsa_padding_mode:pss', '-sigopt', 'rsa_pss_saltlen:32'];
      const verdict = cards.pki.openssl(
        'dgst',
        '-sha256',
        '-verify',
        'public.pem',
        ...padding,
        '-signature',
        signature,
        data,
      );
      expect(verdict).toBe('Verified OK');
    }
  });

  it.each([
    ['an unknown P1', `802A079720${digest}00`, '6A86'],
    ['a P1 of the next generation', `802A069730${'00'.repeat(48)}00`, '6A86'],
    ['a hash of the wrong length', `802A02971F${digest.slice(2)}00`, '6700'],
    ['too long a payload', `802A0097F6${'00'.repeat(246)}00`, '6700'],
    ['an unknown key', `802A025520${digest}00`, '6A86'],
    ['the signature key, opened by the other PIN', `802A029A20${digest}00`, '6982'],
    ['no expected length', `802A029720${digest}`, '6700'],
    ['too small an expected length', `802A029720${digest}10`, '6C00'],
  ])('answers %s with its status word', (_what, command, status) => {
    const terminal = inJpki();
    terminal.data('002000980431323334');
    expect(terminal.send(command)).toBe(status);
  });

  it('signs with the signature key after its password', () => {
    const terminal = inJpki();
    expect(terminal.send(`802A029A20${digest}00`)).toBe('6982');
    terminal.data(`0020009B06${Buffer.from('MIHON1').toString('hex')}`);
    const signature = terminal.data(`802A039A05${message}00`);
    const certificate = new X509Certificate(readCertificate(terminal, '0001'));
    expect(verify('sha256', fromHex(message), certificate.publicKey, signature)).toBe(true);
  });

  it('has no signature key on the card of a child', () => {
    const terminal = inJpki(cards.myNumber('mihon-koharu'));
    expect(terminal.send('0020009B')).toBe('63C0');
    expect(terminal.send('0020009B064142434431 32')).toBe('6984');
    expect(terminal.send(`802A029A20${digest}00`)).toBe('6A86');
  });

  it('signs with P-384 on a card of the next generation', () => {
    const terminal = inJpki(cards.myNumber('shiken-mirai'));
    terminal.data('002000980435363738');
    const data = cards.pki.write('message', fromHex(message));
    const hash = cards.pki.openssl('dgst', '-sha384', data).slice(-96);
    const signature = terminal.data(`802A069730${hash}00`);
    const { publicKey } = new X509Certificate(readCertificate(terminal, '000A'));
    expect(verify('sha384', fromHex(message), { key: publicKey, dsaEncoding: 'ieee-p1363' }, signature)).toBe(
      true,
    );
    expect(terminal.send(`802A029720${digest}00`)).toBe('6A86');
  });
});
