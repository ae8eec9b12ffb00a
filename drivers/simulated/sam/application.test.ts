import { createHash, createHmac, generateKeyPairSync, verify, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { concat, fromHex, toHex, uint } from '../bytes.ts';
import { ecPoint, p256PublicKey } from '../crypto/keys.ts';
import { signP384, signPkcs1 } from '../crypto/signing.ts';
import { testRsaKey } from '../keys/test-keys.ts';
import { openOpensslPki } from '../testing/openssl-pki.ts';
import {
  ID_KEY,
  INSTITUTION,
  ORGANISATION_KEY_P384,
  personaliseSam,
  SP_KEY,
  spki,
  TICK_PERIOD_MS,
} from '../testing/personalised-sam.ts';
import { GET_CHALLENGE, SamFixture, tapCommand } from '../testing/sam-fixture.ts';
import { NETWORK_ID, SAM_ID, signedOrder, withData } from '../testing/sam-personaliser.ts';
import { parseSequence, parseTlv, parseTlvs, tlv } from '../tlv.ts';

const pki = openOpensslPki();
const { state: personalised, deviceCertificate } = personaliseSam(pki);
const deviceKey = new X509Certificate(deviceCertificate).publicKey;
afterAll(() => pki.remove());

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, 'latin1'));
const sha256 = (...parts: Uint8Array[]): Uint8Array =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

let sam: SamFixture;
beforeEach(() => {
  sam = new SamFixture(personalised);
});

describe('SAM: offline unlock and roster', () => {
  const [rsa, ec] = [testRsaKey(2), ORGANISATION_KEY_P384];
  const keyIdOf = (key: typeof rsa): Uint8Array => sha256(spki(key));

  function roster(
    version: number,
    entries: readonly (readonly [typeof rsa, number])[],
    samId = SAM_ID,
  ): Uint8Array {
    const operators = entries.map(([key, roles]) =>
      tlv(0xe8, tlv(0x8b, keyIdOf(key)), tlv(0x8f, uint(roles, 1)), tlv(0x90, spki(key))),
    );
    return tlv(0xe3, tlv(0x80, fromHex(samId)), tlv(0x86, uint(version, 4)), ...operators);
  }
  const update = (object: Uint8Array, key = SP_KEY): string =>
    sam.terminal.send(withData('80160000', signedOrder(key, object)));

  function unlockOffline(key: typeof rsa): string {
    const message = concat(
      text('SEKISHO-OFFLINE-UNLOCK-1'),
      fromHex(SAM_ID),
      sam.terminal.data(GET_CHALLENGE),
      fromHex(NETWORK_ID),
    );
    const random = { bytes: (length: number): Uint8Array => new Uint8Array(length).fill(0x42) };
    const info = concat(fromHex('3031300D060960864801650304020105000420'), sha256(message));
    const signature =
      key === rsa
        ? signPkcs1(key, info)
        : signP384(key, new Uint8Array(createHash('sha384').update(message).digest()), random);
    const object = tlv(0xe4, tlv(0x8b, keyIdOf(key)), tlv(0x82, fromHex(NETWORK_ID)));
    return sam.terminal.send(withData('00820002', concat(object, tlv(0x9e, signature))));
  }

  it('opens to a registered card of either algorithm, with the personalised limits', () => {
    expect(
      update(
        roster(1, [
          [rsa, 2],
          [ec, 8],
        ]),
      ),
    ).toBe('9000');
    for (const key of [rsa, ec]) {
      expect(unlockOffline(key)).toBe('9000');
      expect(sam.status(0x89)).toBe('03');
      expect(sam.status(0x87)).toBe('0002');
      sam.terminal.data('80180000');
    }
    unlockOffline(rsa);
    sam.nowMs += 50 * TICK_PERIOD_MS;
    expect(sam.status(0x89)).toBe('01');
  });

  it('knows neither strangers nor suspended operators', () => {
    expect(unlockOffline(rsa)).toBe('6A88');
    update(roster(1, [[rsa, 0x82]]));
    expect(unlockOffline(rsa)).toBe('6A88');
  });

  it('takes only newer rosters, for this SAM, from the service provider', () => {
    expect(update(roster(5, [[rsa, 1]]))).toBe('9000');
    expect(update(roster(5, []))).toBe('6988');
    expect(update(roster(4, []))).toBe('6988');
    expect(update(roster(6, [], '00'.repeat(8)))).toBe('6988');
    expect(update(roster(6, []), ORGANISATION_KEY_P384)).toBe('6988');
    expect(sam.saves.at(-1)?.rosterVersion).toBe(5);
    expect(update(roster(6, []))).toBe('9000');
    expect(unlockOffline(rsa)).toBe('6A88');
  });

  it('checks every entry before it takes any', () => {
    const wrongId = tlv(0xe8, tlv(0x8b, new Uint8Array(32)), tlv(0x8f, uint(1, 1)), tlv(0x90, spki(rsa)));
    const noKey = tlv(
      0xe8,
      tlv(0x8b, sha256(fromHex('3000'))),
      tlv(0x8f, uint(1, 1)),
      tlv(0x90, fromHex('3000')),
    );
    for (const entry of [wrongId, noKey]) {
      const object = tlv(0xe3, tlv(0x80, fromHex(SAM_ID)), tlv(0x86, uint(9, 4)), entry);
      expect(update(object)).toBe('6A80');
    }
    const crowd = Array.from({ length: 101 }, () => [rsa, 1] as const);
    expect(update(roster(9, crowd))).toBe('6A80');
    expect(sam.terminal.sam.state.rosterVersion).toBe(0);
  });
});

describe('SAM: device key, stamps, derived ids and data keys', () => {
  it('proves the device while locked', () => {
    const exporter = 'exporter'.repeat(4);
    const signature = parseTlv(sam.terminal.data(withData('00880001', text(exporter), '00')), 0x9e).value;
    expect(verify('sha256', text(`SEKISHO-DEVICE-1${exporter}`), deviceKey, signature)).toBe(true);
    // 16 + 64 bytes would be exactly as long as a tick stamp.
    for (const lengthBytes of [1, 31, 33, 64]) {
      expect(sam.terminal.send(withData('00880001', new Uint8Array(lengthBytes), '00'))).toBe('6700');
    }
  });

  it('stamps a digest with its ticks while locked', () => {
    sam.nowMs += 3 * TICK_PERIOD_MS;
    const [stamp, signature] = parseTlvs(
      sam.terminal.data(withData('80100000', new Uint8Array(32).fill(9), '00')),
    );
    expect(verify('sha256', stamp?.encoded ?? fromHex(''), deviceKey, signature?.value ?? fromHex(''))).toBe(
      true,
    );
    const values = parseSequence(stamp?.value ?? fromHex(''), [0x80, 0x84, 0x85, 0x83, 0x8a, 0x88]);
    expect(values.map(toHex)).toEqual([
      SAM_ID,
      '0000000000000003',
      sam.status(0x85),
      '00000000',
      TICK_PERIOD_MS.toString(16).padStart(4, '0'),
      '09'.repeat(32),
    ]);
  });

  it('counts stamps instead of time when the period is zero', () => {
    const { personalisation } = personalised;
    if (personalisation === undefined) throw new Error('blank');
    const state = { ...personalised, personalisation: { ...personalisation, tickPeriodMs: 0 } };
    sam = new SamFixture(state);
    for (const expected of ['01', '02']) {
      const [stamp] = parseTlvs(sam.terminal.data(withData('80100000', new Uint8Array(32), '00')));
      expect(toHex(stamp?.value.slice(10, 20) ?? fromHex(''))).toBe(`840800000000000000${expected}`);
    }
  });

  it('derives ids with the key of the institution, unlocked only', () => {
    const command = withData('80120000', new Uint8Array(32).fill(6), '00');
    expect(sam.terminal.send(command)).toBe('6982');
    sam.unlock();
    const expected = createHmac('sha256', ID_KEY)
      .update(`SEKISHO-ID-1${INSTITUTION}`)
      .update(new Uint8Array(32).fill(6))
      .digest();
    expect(toHex(sam.terminal.data(command))).toBe(toHex(expected));
  });

  it('makes data keys, unlocked only, each another one', () => {
    expect(sam.terminal.send('8014030000')).toBe('6982');
    sam.unlock();
    const keys = [1, 2].map(() => opensslUnwraps('02'.repeat(32), sam.terminal.data('8014030000')));
    expect(keys[0]).toHaveLength(64);
    expect(keys[0]).not.toBe(keys[1]);
  });

  it('hands a data key over sealed, as openssl agrees and derives', () => {
    const recipient = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const point = ecPoint(recipient.publicKey);
    const command = (wrapped: Uint8Array, to = point): Uint8Array =>
      withData('80140400', concat(to, wrapped), '00');
    expect(sam.terminal.send(command(new Uint8Array(40)))).toBe('6982');
    sam.unlock();
    const wrapped = sam.terminal.data('8014030000');
    const answer = sam.terminal.data(command(wrapped));
    const samPoint = answer.slice(0, 65);

    pki.write('recipient.pem', recipient.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    pki.write('sam.pem', p256PublicKey(samPoint).export({ type: 'spki', format: 'pem' }));
    pki.openssl('pkeyutl', '-derive', '-inkey', 'recipient.pem', '-peerkey', 'sam.pem', '-out', 'shared');
    const shared = readFileSync(join(pki.folder, 'shared')).toString('hex');
    const info = concat(text('SEKISHO-DATA-KEY-SEAL-1'), fromHex(SAM_ID), wrapped, point, samPoint);
    const kdfOptions = ['digest:SHA256', `hexsecret:${shared}`, `hexinfo:${toHex(info)}`];
    const derived = pki.openssl(
      'kdf',
      '-keylen',
      '32',
      ...kdfOptions.flatMap((option) => ['-kdfopt', option]),
      'SSKDF',
    );
    const sealingKey = derived.replaceAll(':', '');
    expect(opensslUnwraps(sealingKey, answer.slice(65))).toBe(opensslUnwraps('02'.repeat(32), wrapped));

    expect(sam.terminal.data(command(wrapped)).slice(0, 65)).not.toEqual(samPoint);
    expect(sam.terminal.send(command(changed(wrapped, 0)))).toBe('6988');
    expect(sam.terminal.send(command(wrapped, changed(point, 64)))).toBe('6A80');
    expect(sam.terminal.send(command(wrapped, changed(point, 0)))).toBe('6A80');
    expect(sam.terminal.send(command(wrapped.slice(1)))).toBe('6700');
  });

  it('neither takes nor gives a data key in clear any more', () => {
    sam.unlock();
    for (const command of [
      withData('80140100', new Uint8Array(32), '00'),
      withData('80140200', new Uint8Array(40), '00'),
    ]) {
      expect(sam.terminal.send(command)).toBe('6A86');
    }
  });

  const changed = (bytes: Uint8Array, index: number): Uint8Array =>
    bytes.map((byte, at) => (at === index ? byte ^ 1 : byte));

  /** RFC 3394; hex. */
  function opensslUnwraps(key: string, wrapped: Uint8Array): string {
    pki.write('wrapped', wrapped);
    const options = ['-d', '-id-aes256-wrap', '-K', key, '-iv', 'A6'.repeat(8)];
    pki.openssl('enc', ...options, '-in', 'wrapped', '-out', 'unwrapped');
    return readFileSync(join(pki.folder, 'unwrapped')).toString('hex');
  }
});

describe('SAM: disable', () => {
  const disable = (changes: { samId?: string } = {}): string => {
    const samId = tlv(0x80, fromHex(changes.samId ?? SAM_ID));
    const order = tlv(0xe2, samId, tlv(0x81, sam.terminal.data(GET_CHALLENGE)));
    return sam.terminal.send(withData('801A0000', signedOrder(SP_KEY, order)));
  };

  it('kills unlock and organisation keys for good', () => {
    sam.unlock();
    expect(disable()).toBe('9000');
    expect(sam.status(0x89)).toBe('04');
    expect(sam.saves.at(-1)?.personalisation?.organisation).toEqual({});
    for (const command of [
      tapCommand(),
      withData('00880001', new Uint8Array(32), '00'),
      withData('80100000', new Uint8Array(32), '00'),
    ]) {
      expect(sam.terminal.send(command)).toBe('6984');
    }
    expect(sam.unlock()).toBe('6984');
    sam = new SamFixture(sam.terminal.sam.state);
    expect(sam.status(0x89)).toBe('04');
    expect(sam.terminal.send('80180000')).toBe('9000');
  });

  it('obeys only an order for this SAM', () => {
    expect(disable({ samId: '00'.repeat(8) })).toBe('6988');
    expect(sam.status(0x89)).toBe('01');
  });
});
