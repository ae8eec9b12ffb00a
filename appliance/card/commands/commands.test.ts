import { describe, expect, it } from 'vitest';
import { encodeHex } from '../bytes.ts';
import { openExchange } from '../exchange.ts';
import { SW } from '../status-word.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { computeSignature, SIGNATURE_ALGORITHMS, type SignatureAlgorithm } from './compute-signature.ts';
import { externalAuthenticate } from './external-authenticate.ts';
import { getChallenge } from './get-challenge.ts';
import { getData } from './get-data.ts';
import { internalAuthenticate } from './internal-authenticate.ts';

const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));

describe('GET CHALLENGE', () => {
  it('resolves with exactly as many bytes as asked for', async () => {
    const challenge = await getChallenge(play(['0084000010', `${'A5'.repeat(16)} 9000`]), 16);
    expect(challenge).toEqual(new Uint8Array(16).fill(0xa5));
    const short = getChallenge(play(['0084000010', `${'A5'.repeat(8)} 9000`]), 16);
    await expect(short).rejects.toMatchObject({ code: 'card.protocol' });
  });
});

describe('EXTERNAL AUTHENTICATE', () => {
  it('sends the proof with extended Lc and reads refusals by the table of the caller', async () => {
    const command = '00820000 000002 0102';
    await externalAuthenticate(play([command, '9000']), Uint8Array.of(1, 2), {});
    const refused = externalAuthenticate(play([command, '6300']), Uint8Array.of(1, 2), {
      [SW.authenticationFailed]: 'card.organisation-rejected',
    });
    await expect(refused).rejects.toMatchObject({ code: 'card.organisation-rejected' });
  });
});

describe('INTERNAL AUTHENTICATE', () => {
  it('hands back the signature', async () => {
    const answer = internalAuthenticate(
      play(['00880099 02 0102 00', 'BEEF 9000']),
      0x99,
      Uint8Array.of(1, 2),
    );
    expect(encodeHex(await answer)).toBe('BEEF');
  });
});

describe('GET DATA', () => {
  it('asks again with an extended Le when the card says 6700', async () => {
    const exchange = play(['00CA7F2100', '6700'], ['00CA7F21000000', `${'77'.repeat(300)} 9000`]);
    expect(await getData(exchange, 0x7f21)).toHaveLength(300);
  });

  it('tells a missing object', async () => {
    await expect(getData(play(['00CA004200', '6A88']), 0x42)).rejects.toMatchObject({
      code: 'card.file-not-found',
    });
  });
});

describe('COMPUTE DIGITAL SIGNATURE', () => {
  const rows: [SignatureAlgorithm, string, number, number][] = [
    ['rsa-pkcs1-block', '00', 51, 256],
    ['rsa-pkcs1-bare-sha256-message', '01', 20, 256],
    ['rsa-pkcs1-sha256-digest', '02', 32, 256],
    ['rsa-pkcs1-sha256-message', '03', 255, 256],
    ['rsa-pss-sha256-digest', '04', 32, 256],
    ['rsa-pss-sha256-message', '05', 1, 256],
    ['ecdsa-p384-sha384-digest', '06', 48, 96],
  ];

  it.each(rows)('%s is P1 %s', async (algorithm, p1, inputBytes, signatureBytes) => {
    const lc = inputBytes.toString(16).padStart(2, '0');
    const exchange = play([
      `802A${p1}97 ${lc} ${'DD'.repeat(inputBytes)} 00`,
      `${'5A'.repeat(signatureBytes)} 9000`,
    ]);
    const signature = await computeSignature(
      exchange,
      0x97,
      algorithm,
      new Uint8Array(inputBytes).fill(0xdd),
    );
    expect(signature).toEqual(new Uint8Array(signatureBytes).fill(0x5a));
  });

  it('covers the whole table of the card', () => {
    expect(rows.map(([algorithm]) => algorithm)).toEqual(Object.keys(SIGNATURE_ALGORITHMS));
  });

  it.each([
    ['6982', 'card.security-status'],
    ['6985', 'card.security-status'],
    ['6A86', 'card.unsupported-algorithm'],
    ['6A82', 'card.file-not-found'],
    ['6700', 'card.unexpected-status'],
  ])('%s is %s', async (sw, code) => {
    const exchange = play([`802A0297 20 ${'00'.repeat(32)} 00`, sw]);
    const signed = computeSignature(exchange, 0x97, 'rsa-pkcs1-sha256-digest', new Uint8Array(32));
    await expect(signed).rejects.toMatchObject({ code });
  });

  it('refuses a signature of the wrong length, and to send a digest of the wrong length', async () => {
    const exchange = play([`802A0297 20 ${'00'.repeat(32)} 00`, `${'00'.repeat(255)} 9000`]);
    const signed = computeSignature(exchange, 0x97, 'rsa-pkcs1-sha256-digest', new Uint8Array(32));
    await expect(signed).rejects.toMatchObject({ code: 'card.protocol' });
    const wrong = computeSignature(play(), 0x97, 'rsa-pkcs1-sha256-digest', new Uint8Array(48));
    await expect(wrong).rejects.toThrow(RangeError);
  });
});
