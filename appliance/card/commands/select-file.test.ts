import { describe, expect, it } from 'vitest';
import { openExchange } from '../exchange.ts';
import { ScriptedChannel } from '../testing/scripted-channel.ts';
import { selectApplication, selectFile } from './select-file.ts';

const aid = Uint8Array.of(0xa0, 0x00);

describe('SELECT', () => {
  it('asks for no answer, or for the FCI', async () => {
    const channel = new ScriptedChannel([
      ['00A4040C02A000', '9000'],
      ['00A4040002A00000', '6F00 9000'],
      ['00A4020C020016', '9000'],
    ]);
    const exchange = openExchange(channel);
    expect(await selectApplication(exchange, aid, { answer: 'none', absent: 'card.not-found' })).toHaveLength(
      0,
    );
    const fci = await selectApplication(exchange, aid, { answer: 'fci', absent: 'card.not-found' });
    expect(fci).toEqual(Uint8Array.of(0x6f, 0x00));
    await selectFile(exchange, 0x0016);
    channel.assertFinished();
  });

  it('forgives the one 6F00 that a card gives after power-up, not two', async () => {
    const options = { answer: 'none', absent: 'card.not-my-number-card' } as const;
    const once = new ScriptedChannel([
      ['00A4040C02A000', '6F00'],
      ['00A4040C02A000', '9000'],
    ]);
    await selectApplication(openExchange(once), aid, options);
    once.assertFinished();
    const twice = new ScriptedChannel([
      ['00A4040C02A000', '6F00'],
      ['00A4040C02A000', '6F00'],
    ]);
    const selected = selectApplication(openExchange(twice), aid, options);
    await expect(selected).rejects.toMatchObject({ code: 'card.unexpected-status' });
  });

  it.each(['6A82', '6A81', '6D00', '6E00'])('knows another card by %s', async (sw) => {
    const exchange = openExchange(new ScriptedChannel([['00A4040C02A000', sw]]));
    const selected = selectApplication(exchange, aid, { answer: 'none', absent: 'card.not-hpki-card' });
    await expect(selected).rejects.toMatchObject({ code: 'card.not-hpki-card' });
  });

  it('tells a missing file', async () => {
    const exchange = openExchange(new ScriptedChannel([['00A4020C020016', '6A82']]));
    await expect(selectFile(exchange, 0x16)).rejects.toMatchObject({ code: 'card.file-not-found' });
  });
});
