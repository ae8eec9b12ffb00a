import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSekishoError, SekishoError } from '#contract/errors.ts';
import { concatBytes, encodeHex } from '../bytes.ts';
import { parseCvCertificate } from '../cv-certificate.ts';
import { openExchange } from '../exchange.ts';
import { encodeCvBody, encodeCvCertificate } from '../testing/cv-issuer.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { encodeTlv } from '../tlv.ts';
import { openText, verifyTextNumberB, verifyTextPin } from './application.ts';
import { parseAttributes, parseIntegrityRecord, readAttributes, verifyAttributes } from './attributes.ts';

const vector = JSON.parse(
  readFileSync(new URL('../testdata/text-attributes.json', import.meta.url), 'utf8'),
) as Record<'fileHex' | 'name' | 'address' | 'birthDate' | 'sex', string>;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'ascii'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));
const file = bytes(vector.fileHex);
const { name, address, birthDate, sex } = vector;

describe('the four attributes', () => {
  it('are read from the published test card', async () => {
    const channel = new ScriptedChannel([
      ['00A4040C0A D3921000310001010408', '9000'],
      ['002000950E 3535303231373230333532323835', '9000'],
      ['00A4020C020002', '9000'],
      ['00B0000000', `${vector.fileHex} ${'FF'.repeat(152)} 9000`],
    ]);
    const exchange = openExchange(channel);
    await openText(exchange);
    const number = ascii('55021720352285');
    await verifyTextNumberB(exchange, number);
    expect(number).toEqual(new Uint8Array(14));
    expect((await readAttributes(exchange)).attributes).toEqual({ name, address, birthDate, sex });
    channel.assertFinished();
  });

  it('are found by their tags, and the offset table has to agree', () => {
    const wrong = file.slice();
    wrong.set([0x0f], 7);
    expect(() => parseAttributes(wrong)).toThrow(SekishoError);
    const inside = concatBytes(bytes('AABB'), file).subarray(2);
    expect(parseAttributes(inside).attributes.name).toBe(name);
  });

  it('never fail on a damaged file with anything but card.protocol', () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
        const damaged = file.slice();
        damaged.set([byte], at);
        try {
          parseAttributes(damaged);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    ['text that is not UTF-8', 'FF2014 DF210600090000 0000 DF2201FF'],
    ['another file', 'FF10 00'],
    ['nothing', ''],
  ])('refuse %s', (_, hex) => {
    expect(() => parseAttributes(bytes(hex))).toThrow(SekishoError);
  });
});

describe('the secrets of the text application', () => {
  it('say which of them was wrong', async () => {
    const pin = verifyTextPin(play(['0020009104 31323334', '63C2']), ascii('1234'));
    await expect(pin).rejects.toMatchObject({ code: 'patient.pin-wrong', context: { triesLeft: 2 } });
    const digits = '3535303231373230333532323835';
    const number = verifyTextNumberB(play([`002000950E ${digits}`, '63C9']), ascii('55021720352285'));
    await expect(number).rejects.toMatchObject({ code: 'patient.security-code-wrong' });
    const blocked = verifyTextNumberB(play([`002000950E ${digits}`, '6984']), ascii('55021720352285'));
    await expect(blocked).rejects.toMatchObject({ code: 'patient.security-code-blocked' });
  });
});

describe('the signature over the attributes', () => {
  const root = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const municipality = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const certificate = certify(municipality.publicKey, root.privateKey);

  function certify(subject: KeyObject, issuer: KeyObject) {
    const issuerKeyId = ascii('6000033\x08\x05001').slice();
    const keyId = new Uint8Array(16);
    keyId.set(issuerKeyId);
    const parts = { suite: 'rsa-2048-sha256', issuerKeyId: keyId, subjectKeyId: keyId } as const;
    const body = encodeCvBody({ ...parts, publicKey: subject });
    return parseCvCertificate(encodeCvCertificate(body, sign('sha256', body, issuer)));
  }

  function recordFile(signer: KeyObject): Uint8Array {
    // DF22 to the end, without the offset table: docs/protocol-facts.md 1.5.
    const attributesDigest = createHash('sha256').update(file.subarray(14)).digest();
    const digests = concatBytes(encodeTlv(0xdf31, new Uint8Array(32)), encodeTlv(0xdf32, attributesDigest));
    return encodeTlv(0xff30, digests, encodeTlv(0xdf33, sign('sha256', digests, signer)));
  }

  it('is good when record, certificate and root belong together', () => {
    const record = parseIntegrityRecord(recordFile(municipality.privateKey));
    expect(encodeHex(recordFile(municipality.privateKey)).slice(0, 10)).toBe('FF3082014B');
    expect(verifyAttributes(parseAttributes(file), record, certificate, root.publicKey)).toBe(true);
  });

  it('is bad for other attributes, another signer or another root', () => {
    const record = parseIntegrityRecord(recordFile(municipality.privateKey));
    const other = file.slice();
    other.set([0x32], other.length - 1);
    expect(verifyAttributes(parseAttributes(other), record, certificate, root.publicKey)).toBe(false);
    const forged = parseIntegrityRecord(recordFile(root.privateKey));
    expect(verifyAttributes(parseAttributes(file), forged, certificate, root.publicKey)).toBe(false);
    expect(verifyAttributes(parseAttributes(file), record, certificate, municipality.publicKey)).toBe(false);
  });
});
