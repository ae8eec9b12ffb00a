import { describe, expect, it } from 'vitest';
import { openExchange } from '../exchange.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { openHpki, queryHpkiPin, readHpkiCertificate, signHpkiDigest, verifyHpkiPin } from './application.ts';

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));

describe('the HPKI card', () => {
  it.each([
    ['authentication', '02'],
    ['signing', '01'],
  ] as const)('holds one conversation in its %s application', async (application, last) => {
    const digestInfo = `3031300D060960864801650304020105000420${'AB'.repeat(32)}`;
    const channel = new ScriptedChannel([
      [`00A4040010 E828BD080FA0000003910000000000${last} 00`, '6F00 9000'],
      ['00A4020C020016', '9000'],
      ['00B0000000', '3003020107 FFFF 9000'],
      ['00200088', '63CF'],
      ['0020008804 34333231', '9000'],
      ['00A4020C02000C', '9000'],
      [`802A0080 33 ${digestInfo} 00`, `${'5A'.repeat(256)} 9000`],
    ]);
    const exchange = openExchange(channel);
    await openHpki(exchange, application);
    expect(await readHpkiCertificate(exchange)).toEqual(Uint8Array.of(0x30, 3, 2, 1, 7));
    expect(await queryHpkiPin(exchange)).toEqual({ state: 'tries', left: 15 });
    const pin = ascii('4321');
    await verifyHpkiPin(exchange, pin);
    expect(pin).toEqual(new Uint8Array(4));
    expect(await signHpkiDigest(exchange, new Uint8Array(32).fill(0xab))).toHaveLength(256);
    channel.assertFinished();
  });

  it('is not a My Number Card', async () => {
    const select: ScriptLine = ['00A4040010 E828BD080FA000000391000000000002 00', '6A82'];
    await expect(openHpki(play(select), 'authentication')).rejects.toMatchObject({
      code: 'card.not-hpki-card',
    });
  });

  it('tells a wrong PIN from a blocked one, and sends no malformed one', async () => {
    const verify = '0020008804 34333231';
    const wrong = verifyHpkiPin(play([verify, '63CE']), ascii('4321'));
    await expect(wrong).rejects.toMatchObject({ code: 'operator.pin-wrong', context: { triesLeft: 14 } });
    const blocked = verifyHpkiPin(play([verify, '6983']), ascii('4321'));
    await expect(blocked).rejects.toMatchObject({ code: 'operator.pin-blocked' });
    for (const pin of ['123', '12345678901234567', '12\x0034', '']) {
      await expect(verifyHpkiPin(play(), ascii(pin))).rejects.toMatchObject({
        code: 'operator.pin-malformed',
      });
    }
  });

  it('refuses to send a digest that is no SHA-256', async () => {
    const exchange = play(['00A4020C02000C', '9000']);
    await expect(signHpkiDigest(exchange, new Uint8Array(20))).rejects.toThrow(RangeError);
  });
});
