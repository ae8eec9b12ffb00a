import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  boolean,
  context,
  integer,
  namedBits,
  octetString,
  oid,
  parseBitString,
  parseBoolean,
  parseInteger,
  parseOid,
  sequence,
  setOf,
  TAG,
  utf8String,
} from './der.ts';
import { certificateTime, generalizedTime, parseCertificateTime, preciseTime } from './time.ts';
import { encodeTlv, MalformedDer, parseTlv, TlvCursor } from './tlv.ts';

const asn1parse = (der: Uint8Array): string =>
  execFileSync('openssl', ['asn1parse', '-inform', 'DER'], {
    input: der,
    stdio: ['pipe', 'pipe', 'ignore'],
  }).toString();

describe('TLV', () => {
  test('every content survives, and a cut byte is noticed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x30, 0x04, 0xa3, 0x7f21, 0x5f4e),
        fc.uint8Array({ maxLength: 700 }),
        (tag, content) => {
          const encoded = encodeTlv(tag, content);
          expect(parseTlv(encoded, tag).content.equals(content)).toBe(true);
          expect(() => parseTlv(encoded.subarray(0, -1), tag)).toThrow(MalformedDer);
          expect(() => parseTlv(Buffer.concat([encoded, Buffer.of(0)]), tag)).toThrow(MalformedDer);
        },
      ),
      { numRuns: 100 },
    );
  });

  test.each([
    ['long form for a short length', '30810100'],
    ['indefinite length', '30800000'],
    ['length with a leading zero', `30820080${'00'.repeat(128)}`],
    ['five length octets', '308500000000010'],
    ['high tag number that fits the low form', '1f0100'],
    ['nothing', ''],
  ])('refuses %s', (_name, hex) => {
    expect(() => new TlvCursor(Buffer.from(hex, 'hex')).any()).toThrow(MalformedDer);
  });

  test('random bytes never do anything but parse or MalformedDer', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          new TlvCursor(bytes).rest();
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(MalformedDer);
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('DER values, as openssl reads them', () => {
  test('object identifiers', () => {
    const text = asn1parse(
      sequence(oid('1.2.392.200149.8.5.1.0.30'), oid('2.5.29.15'), oid('1.0.17090.0.1')),
    );
    expect(text).toContain(':1.2.392.200149.8.5.1.0.30');
    expect(text).toContain(':X509v3 Key Usage');
    expect(text).toContain(':1.0.17090.0.1');
    for (const dotted of ['1.2.840.113549.1.1.11', '0.9.2342', '2.999.3']) {
      expect(parseOid(parseTlv(oid(dotted), TAG.oid))).toBe(dotted);
    }
  });

  test('integers are minimal and non-negative', () => {
    expect(integer(0).toString('hex')).toBe('020100');
    expect(integer(128).toString('hex')).toBe('02020080');
    expect(integer(Buffer.from('0000ff', 'hex')).toString('hex')).toBe('020200ff');
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        const content = parseInteger(parseTlv(integer(value), TAG.integer));
        expect(BigInt(`0x${content.toString('hex')}`)).toBe(BigInt(value));
      }),
      { numRuns: 100 },
    );
    expect(() => parseInteger(parseTlv(Buffer.from('02020001', 'hex'), TAG.integer))).toThrow(MalformedDer);
    expect(asn1parse(sequence(integer(Buffer.from('c0ffee', 'hex'))))).toContain('INTEGER           :C0FFEE');
  });

  test('SET OF is sorted, named bits are trimmed', () => {
    expect(setOf(octetString(Buffer.of(2)), octetString(Buffer.of(1))).toString('hex')).toBe(
      '3106040101040102',
    );
    // keyCertSign(5) and cRLSign(6): the well-known 03 02 01 06 of every CA certificate.
    expect(namedBits(5, 6).toString('hex')).toBe('03020106');
    expect(namedBits(0).toString('hex')).toBe('03020780');
    expect(() => parseBitString(parseTlv(namedBits(0), TAG.bitString))).toThrow(MalformedDer);
  });

  test('booleans, texts and context tags', () => {
    const text = asn1parse(context(3, boolean(true), utf8String('関所')));
    expect(text).toContain('cont [ 3 ]');
    expect(text).toContain('BOOLEAN           :255');
    expect(() => parseBoolean(parseTlv(Buffer.from('010101', 'hex'), TAG.boolean))).toThrow(MalformedDer);
  });
});

describe('times', () => {
  test('UTCTime until 2049, then GeneralizedTime', () => {
    expect(
      certificateTime(Date.UTC(2049, 11, 31, 23, 59, 59))
        .subarray(2)
        .toString(),
    ).toBe('491231235959Z');
    expect(
      certificateTime(Date.UTC(2050, 0, 1))
        .subarray(2)
        .toString(),
    ).toBe('20500101000000Z');
    expect(
      generalizedTime(Date.UTC(2026, 3, 5, 6, 7, 8))
        .subarray(2)
        .toString(),
    ).toBe('20260405060708Z');
  });

  test('a fraction has no trailing zero', () => {
    const second = Date.UTC(2026, 0, 2, 3, 4, 5);
    expect(preciseTime(second).subarray(2).toString()).toBe('20260102030405Z');
    expect(
      preciseTime(second + 120)
        .subarray(2)
        .toString(),
    ).toBe('20260102030405.12Z');
    expect(
      preciseTime(second + 7)
        .subarray(2)
        .toString(),
    ).toBe('20260102030405.007Z');
  });

  test('certificate times are read back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => {
        const encoded = certificateTime(seconds * 1000);
        expect(parseCertificateTime(new TlvCursor(encoded).any())).toBe(seconds * 1000);
      }),
      { numRuns: 100 },
    );
    expect(() => parseCertificateTime(parseTlv(utf8String('260101000000Z'), TAG.utf8String))).toThrow(
      MalformedDer,
    );
  });
});
