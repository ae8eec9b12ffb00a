import { execFileSync } from 'node:child_process';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { concatBytes, encodeHex } from '../bytes.ts';
import { parseCvCertificate } from '../cv-certificate.ts';
import { openExchange } from '../exchange.ts';
import { encodeCvBody, encodeCvCertificate, encodeRsaPublicKey } from '../testing/cv-issuer.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { encodeTlv } from '../tlv.ts';
import { openFace, readFace, verifyFaceNumberB } from './application.ts';
import { parseFace, verifyFace } from './face.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));
const jp2 = new Uint8Array(readFileSync(new URL('../testdata/photo-grey.jp2', import.meta.url)));
const png = (size: number): Uint8Array => concatBytes(ascii('\x89PNG\r\n\x1a\n'), new Uint8Array(size));

const state = mkdtempSync(join(tmpdir(), 'sekisho-face-'));
afterAll(() => rmSync(state, { recursive: true }));
const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: state, stdio: 'pipe' });
const card = generateKeyPairSync('rsa', { modulusLength: 2048 });
const municipality = generateKeyPairSync('rsa', { modulusLength: 2048 });
const root = generateKeyPairSync('rsa', { modulusLength: 2048 });

/** PKCS#1 v1.5 over a block that is no ordinary DigestInfo, by openssl. */
function signBlock(block: Uint8Array): Uint8Array {
  writeFileSync(join(state, 'block'), block);
  writeFileSync(join(state, 'key.pem'), municipality.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  return openssl('rsautl', '-sign', '-pkcs', '-inkey', 'key.pem', '-in', 'block');
}

/** File 0002 as docs/protocol-facts.md 1.6 lays it out. */
function faceFile(): Uint8Array {
  const person = [
    encodeTlv(0xdf22, ascii('19800217')),
    encodeTlv(0xdf23, ascii('1')),
    encodeTlv(0xdf24, encodeRsaPublicKey(card.publicKey)),
  ];
  const text = [encodeTlv(0xdf25, png(120)), encodeTlv(0xdf26, png(300))];
  const photo = [encodeTlv(0xdf27, jp2)];
  const digests = [person, text, photo].map((fields) =>
    createHash('sha256')
      .update(concatBytes(...fields))
      .digest(),
  );
  const prefix = Buffer.from('3071300d060960864801650304020105000460', 'hex');
  const signature = encodeTlv(0xdf28, signBlock(concatBytes(prefix, ...digests)));
  const unsigned = [encodeTlv(0xdf29, ascii('20350217')), encodeTlv(0xdf2a, png(40))];
  const fields = [...person, ...text, ...photo, signature, ...unsigned];
  // FF20 82 LL LL, then DF21 12 and nine offsets of two bytes.
  let at = 5 + 3 + 2 * fields.length;
  const table = fields.flatMap((field) => {
    const offset = [at >> 8, at & 0xff];
    at += field.length;
    return offset;
  });
  return encodeTlv(0xff20, encodeTlv(0xdf21, Uint8Array.from(table)), ...fields);
}

let file: Uint8Array;
beforeAll(() => {
  file = faceFile();
});

function certificateBy(issuer: typeof root) {
  const keyId = new Uint8Array(16);
  const parts = { suite: 'rsa-2048-sha256', issuerKeyId: keyId, subjectKeyId: keyId } as const;
  const body = encodeCvBody({ ...parts, publicKey: municipality.publicKey });
  return parseCvCertificate(encodeCvCertificate(body, sign('sha256', body, issuer.privateKey)));
}

describe('the card face', () => {
  it('is read after 照合番号B, in blocks of 256 bytes', async () => {
    const physical = concatBytes(file, new Uint8Array(100).fill(0xff));
    const blocks = Math.ceil(file.length / 256);
    const reads = Array.from({ length: blocks }, (_, index): ScriptLine => {
      const offset = index === 0 ? '8200' : (index * 256).toString(16).padStart(4, '0');
      const last = index === blocks - 1;
      const le = last ? (file.length % 256).toString(16).padStart(2, '0') : '00';
      const end = last ? file.length : (index + 1) * 256;
      return [`00B0${offset}${le}`, `${encodeHex(physical.subarray(index * 256, end))} 9000`];
    });
    const channel = new ScriptedChannel([
      ['00A4040C0A D3921000310001010402', '9000'],
      ['002000920E 3535303231373230333532323835', '9000'],
      ...reads,
    ]);
    const exchange = openExchange(channel);
    await openFace(exchange);
    const digits = ascii('55021720352285');
    await verifyFaceNumberB(exchange, digits);
    expect(digits).toEqual(new Uint8Array(14));
    const face = await readFace(exchange);
    channel.assertFinished();
    expect(face).toMatchObject({ birthDate: '19800217', sex: 'male', expiry: '20350217' });
    expect([face.namePng.length, face.addressPng.length]).toEqual([128, 308]);
    expect(face.photoJp2).toEqual(jp2);
    expect(face.publicKey.equals(card.publicKey)).toBe(true);
  });

  it('says patient.security-code-* when 照合番号B is wrong, malformed or blocked', async () => {
    const verify = '002000920E 3535303231373230333532323835';
    const number = (): Uint8Array => ascii('55021720352285');
    const code = 'patient.security-code-wrong';
    await expect(verifyFaceNumberB(play([verify, '63C1']), number())).rejects.toMatchObject({ code });
    await expect(verifyFaceNumberB(play(), ascii('5502172035228'))).rejects.toMatchObject({ code });
    await expect(verifyFaceNumberB(play(), ascii('5502172035228X'))).rejects.toMatchObject({ code });
    await expect(verifyFaceNumberB(play([verify, '6984']), number())).rejects.toMatchObject({
      code: 'patient.security-code-blocked',
    });
  });

  it('refuses images that are no PNG, wrong offsets and a cut file', () => {
    const offset = file.slice();
    offset.set([offset[9]! ^ 1], 9);
    expect(() => parseFace(offset)).toThrow(SekishoError);
    expect(() => parseFace(file.subarray(0, file.length - 1))).toThrow(SekishoError);
    const noPng = file.slice();
    noPng.set([0x00], Buffer.from(file).indexOf(Buffer.from('89504e47', 'hex')));
    expect(() => parseFace(noPng)).toThrow(SekishoError);
  });

  it('never fails on a damaged file with anything but card.protocol', () => {
    fc.assert(
      fc.property(fc.nat(400), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = file.slice();
        damaged.set([byte], at);
        try {
          parseFace(damaged);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 200 },
    );
  });
});

describe('the signature over the face', () => {
  it('covers three digests in one block, as openssl made it', () => {
    expect(verifyFace(parseFace(file), certificateBy(root), root.publicKey)).toBe(true);
  });

  it('is bad for another photo or birth date, and under another root', () => {
    const certificate = certificateBy(root);
    for (const mark of ['19800217', 'jP  ']) {
      const changed = file.slice();
      changed.set([changed[Buffer.from(file).indexOf(mark)]! ^ 1], Buffer.from(file).indexOf(mark));
      expect(verifyFace(parseFace(changed), certificate, root.publicKey)).toBe(false);
    }
    expect(verifyFace(parseFace(file), certificate, municipality.publicKey)).toBe(false);
    expect(verifyFace(parseFace(file), certificateBy(municipality), root.publicKey)).toBe(false);
  });

  it('does not cover the expiry, which is why it is not called signed', () => {
    const changed = file.slice();
    changed.set(ascii('2099'), Buffer.from(file).indexOf('20350217'));
    expect(verifyFace(parseFace(changed), certificateBy(root), root.publicKey)).toBe(true);
  });
});
