import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openExchange } from '../exchange.ts';
import { ScriptedChannel, type ScriptLine } from '../testing/scripted-channel.ts';
import { organisationProfile as profile } from './organisation-profile.ts';

const { certificates } = JSON.parse(
  readFileSync(new URL('../testdata/cv-certificates.json', import.meta.url), 'utf8'),
) as { certificates: { suite: string; hex: string }[] };
const rsa = certificates[0]!.hex;
const p384 = certificates[1]!.hex;
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));
const label = Buffer.from('JPKIAPICCTOKEN2'.padEnd(160, ' '), 'ascii').toString('hex');

describe('organisation authentication, profile sekisho-ref-1', () => {
  it('speaks docs/organisation-profile.md step by step', async () => {
    const channel = new ScriptedChannel([
      ['00A4040C0A D392F000260100000001', '9000'],
      ['00B08600A0', `${label} 9000`],
      [`80A206C1 000133 ${rsa.slice(0, 614)}`, '9000'],
      [`80A200C1 000105 ${rsa.slice(614)}`, '9000'],
      ['0084000010', `${'C4'.repeat(16)} 9000`],
      [`00820000 000100 ${'5A'.repeat(256)}`, '9000'],
      ['00B08A0000', '3003020107 9000'],
      [`802A0297 20 ${'D2'.repeat(32)} 00`, `${'EE'.repeat(256)} 9000`],
    ]);
    const exchange = openExchange(channel);
    await profile.select(exchange);
    expect((await profile.readTokenInfo(exchange)).suite).toBe('rsa-2048-sha256');
    await profile.loadCertificate(exchange, bytes(rsa));
    expect(await profile.getChallenge(exchange)).toEqual(new Uint8Array(16).fill(0xc4));
    await profile.authenticate(exchange, new Uint8Array(256).fill(0x5a));
    expect(await profile.readAuthenticationCertificate(exchange)).toEqual(bytes('3003020107'));
    const digest = new Uint8Array(32).fill(0xd2);
    await profile.signWithAuthenticationKey(exchange, 'rsa-2048-sha256', digest);
    channel.assertFinished();
    expect(profile.id).toBe('sekisho-ref-1');
    expect(exchange.meter.count).toBe(8);
  });

  it('uses extended Lc for the short certificate and signature of suite 02 too', async () => {
    const channel = new ScriptedChannel([
      [`80A206C1 00008B ${p384.slice(0, 278)}`, '9000'],
      [`80A200C1 000063 ${p384.slice(278)}`, '9000'],
      [`00820000 000060 ${'5A'.repeat(96)}`, '9000'],
    ]);
    const exchange = openExchange(channel);
    await profile.loadCertificate(exchange, bytes(p384));
    await profile.authenticate(exchange, new Uint8Array(96).fill(0x5a));
    channel.assertFinished();
  });

  const refusals: [sw: string, code: string][] = [
    ['6300', 'card.organisation-rejected'],
    ['6985', 'card.organisation-rejected'],
    ['6A80', 'card.organisation-rejected'],
    ['6A86', 'card.unsupported-algorithm'],
    ['6D00', 'card.unsupported-algorithm'],
    ['6700', 'card.unexpected-status'],
  ];

  it.each(refusals)('%s at any step is %s', async (sw, code) => {
    const first: ScriptLine = [`80A206C1 000133 ${rsa.slice(0, 614)}`, '9000'];
    const steps = [
      profile.loadCertificate(play([first[0], sw]), bytes(rsa)),
      profile.loadCertificate(play(first, [`80A200C1 000105 ${rsa.slice(614)}`, sw]), bytes(rsa)),
      profile.getChallenge(play(['0084000010', sw])),
      profile.authenticate(play(['00820000 000001 00', sw]), new Uint8Array(1)),
    ];
    for (const step of steps) await expect(step).rejects.toMatchObject({ code });
  });

  it('says card.security-status when the card is not opened, or its signatures are used up', async () => {
    const code = 'card.security-status';
    const read = profile.readAuthenticationCertificate(play(['00B08A0000', '6982']));
    await expect(read).rejects.toMatchObject({ code });
    for (const sw of ['6982', '6985']) {
      const exchange = play([`802A0297 20 ${'00'.repeat(32)} 00`, sw]);
      const signed = profile.signWithAuthenticationKey(exchange, 'rsa-2048-sha256', new Uint8Array(32));
      await expect(signed).rejects.toMatchObject({ code });
    }
  });

  it('does not send a certificate that is none', async () => {
    await expect(profile.loadCertificate(play(), bytes('7F2100'))).rejects.toMatchObject({
      code: 'card.protocol',
    });
  });
});
