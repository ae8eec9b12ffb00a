import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeHex } from '../bytes.ts';
import { computeSignature } from '../commands/compute-signature.ts';
import { selectFile } from '../commands/select-file.ts';
import { queryPin, verifyPin } from '../commands/verify.ts';
import { encodeSha256DigestInfo } from '../der.ts';
import { openExchange } from '../exchange.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { encodeTlv } from '../tlv.ts';
import { openJpki } from './application.ts';
import { readJpkiCertificate } from './certificates.ts';
import { queryJpkiPin, verifyJpkiPin } from './pin.ts';
import { signJpkiDigest } from './signature.ts';
import { parseTokenInfo, readTokenInfo } from './token-info.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));

const state = mkdtempSync(join(tmpdir(), 'sekisho-jpki-'));
afterAll(() => rmSync(state, { recursive: true }));
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: state, stdio: 'pipe' });

describe('the JPKI application', () => {
  it('is selected by its full name', async () => {
    const channel = new ScriptedChannel([['00A4040C0AD392F000260100000001', '9000']]);
    await openJpki(openExchange(channel));
    channel.assertFinished();
    const other = openJpki(play(['00A4040C0AD392F000260100000001', '6A82']));
    await expect(other).rejects.toMatchObject({ code: 'card.not-my-number-card' });
  });

  it.each([
    ['authentication', '00B08A0000'],
    ['authenticationCa', '00B08B0000'],
    ['signing', '00B0810000'],
    ['signingCa', '00B0820000'],
  ] as const)('reads the %s certificate by its short identifier', async (certificate, command) => {
    const der = encodeTlv(0x30, new Uint8Array(100));
    expect(await readJpkiCertificate(play([command, `${encodeHex(der)} 9000`]), certificate)).toEqual(der);
  });

  it('refuses a certificate file that holds something else', async () => {
    const read = readJpkiCertificate(play(['00B08A0000', '040100 9000']), 'authentication');
    await expect(read).rejects.toMatchObject({ code: 'card.protocol' });
  });
});

describe('token info', () => {
  const file = (label: string): Uint8Array => ascii(label.padEnd(32, ' ').padEnd(160, '0'));

  it.each([
    ['JPKIAPICCTOKEN2', 'plastic', 'rsa-2048-sha256'],
    ['JPKIAPGPSETOKEN', 'android', 'rsa-2048-sha256'],
    ['JPKIAPIOSTOKEN', 'iphone', 'rsa-2048-sha256'],
    ['JPKIAPICCTOKEN3', 'next', 'p384-sha384'],
  ])('%s is %s with %s', async (label, kind, suite) => {
    const exchange = play(['00B08600A0', `${encodeHex(file(label))} 9000`]);
    expect(await readTokenInfo(exchange)).toEqual({ label, kind, suite });
  });

  it.each(['JPKIAPICCTOKEN', 'JPKIAPICCTOKEN4', 'SOMETHINGELSE'])(
    'does not guess what %s speaks',
    (label) => {
      expect(() => parseTokenInfo(file(label))).toThrow('card.unsupported-algorithm');
    },
  );

  it('refuses a file that is cut or is not a token info', () => {
    expect(() => parseTokenInfo(file('JPKIAPICCTOKEN2').subarray(0, 159))).toThrow('card.protocol');
    expect(() => parseTokenInfo(new Uint8Array(160).fill(0xff))).toThrow('card.protocol');
  });
});

describe('the session that OpenSC holds', () => {
  const digest = new Uint8Array(createHash('sha256').update('what is signed').digest());
  let signature: Uint8Array;

  beforeAll(() => {
    openssl('genrsa', '-out', 'card.pem', '2048');
    openssl('rsa', '-in', 'card.pem', '-pubout', '-out', 'card.pub');
    writeFileSync(join(state, 'digest-info'), encodeSha256DigestInfo(digest));
    const raw = ['pkeyutl', '-sign', '-inkey', 'card.pem', '-in', 'digest-info'];
    signature = new Uint8Array(openssl(...raw, '-pkeyopt', 'rsa_padding_mode:pkcs1'));
  });

  it('is spoken byte for byte, and openssl accepts the signature', async () => {
    const hash = encodeHex(digest);
    const channel = new ScriptedChannel([
      ['00A4040C0AD392F000260100000001', '9000'],
      ['00A4020C020018', '9000'],
      ['00200080', '63C3'],
      ['0020008004 31323334', '9000'],
      ['00A4020C020017', '9000'],
      [`802A008033 3031300D060960864801650304020105000420 ${hash} 00`, `${encodeHex(signature)} 9000`],
    ]);
    const exchange = openExchange(channel);
    await openJpki(exchange);
    await selectFile(exchange, 0x0018);
    expect(await queryPin(exchange, 0x80)).toEqual({ state: 'tries', left: 3 });
    expect(await verifyPin(exchange, 0x80, ascii('1234'))).toEqual({ state: 'verified' });
    await selectFile(exchange, 0x0017);
    const signed = await computeSignature(exchange, 0x80, 'rsa-pkcs1-block', encodeSha256DigestInfo(digest));
    channel.assertFinished();
    writeFileSync(join(state, 'signature'), signed);
    writeFileSync(join(state, 'message'), 'what is signed');
    const verdict = openssl('dgst', '-sha256', '-verify', 'card.pub', '-signature', 'signature', 'message');
    expect(verdict.toString()).toContain('Verified OK');
  });
});

describe('our own session', () => {
  it('needs no SELECT: PINs and keys go by short reference', async () => {
    const channel = new ScriptedChannel([
      ['00200098', '63C3'],
      ['0020009804 31323334', '9000'],
      [`802A0297 20 ${'11'.repeat(32)} 00`, `${'5A'.repeat(256)} 9000`],
      ['0020009B', '63C5'],
      ['0020009B06 414243313233', '9000'],
      [`802A029A 20 ${'22'.repeat(32)} 00`, `${'A5'.repeat(256)} 9000`],
      [`802A0697 30 ${'33'.repeat(48)} 00`, `${'77'.repeat(96)} 9000`],
    ]);
    const exchange = openExchange(channel);
    expect(await queryJpkiPin(exchange, 'authentication')).toEqual({ state: 'tries', left: 3 });
    await verifyJpkiPin(exchange, 'authentication', ascii('1234'));
    await signJpkiDigest(exchange, 'authentication', 'rsa-2048-sha256', new Uint8Array(32).fill(0x11));
    expect(await queryJpkiPin(exchange, 'signing')).toEqual({ state: 'tries', left: 5 });
    await verifyJpkiPin(exchange, 'signing', ascii('ABC123'));
    await signJpkiDigest(exchange, 'signing', 'rsa-2048-sha256', new Uint8Array(32).fill(0x22));
    const raw = await signJpkiDigest(
      exchange,
      'authentication',
      'p384-sha384',
      new Uint8Array(48).fill(0x33),
    );
    expect(raw).toHaveLength(96);
    channel.assertFinished();
  });

  it.each([
    ['authentication', '12345'],
    ['authentication', '12a4'],
    ['signing', 'ABC12'],
    ['signing', 'abc123'],
    ['signing', 'ABCDEFGH123456789'],
  ] as const)('sends no malformed %s secret', async (pin, value) => {
    await expect(verifyJpkiPin(play(), pin, ascii(value))).rejects.toMatchObject({
      code: 'operator.pin-malformed',
    });
  });
});
