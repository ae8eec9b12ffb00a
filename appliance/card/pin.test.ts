import { describe, expect, it } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { queryPin } from './commands/verify.ts';
import { openExchange } from './exchange.ts';
import { isDigit, OPERATOR_PIN_ERRORS, presentPin } from './pin.ts';
import { ScriptedChannel, type ScriptLine } from './testing/scripted-channel.ts';

const rule = { reference: 0x98, minBytes: 4, maxBytes: 4, allows: isDigit, errors: OPERATOR_PIN_ERRORS };
const pin = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'ascii'));
const play = (...script: ScriptLine[]) => openExchange(new ScriptedChannel(script));

describe('presenting a PIN', () => {
  it('succeeds, and overwrites the PIN', async () => {
    const value = pin('1234');
    await presentPin(play(['002000980431323334', '9000']), rule, value);
    expect(value).toEqual(new Uint8Array(4));
  });

  it('tells the tries that are left, and overwrites the PIN', async () => {
    const value = pin('9999');
    const presented = presentPin(play(['002000980439393939', '63C2']), rule, value);
    await expect(presented).rejects.toMatchObject({ code: 'operator.pin-wrong', context: { triesLeft: 2 } });
    expect(value).toEqual(new Uint8Array(4));
  });

  it.each(['63C0', '6983', '6984'])('knows a blocked PIN by %s', async (sw) => {
    const presented = presentPin(play(['002000980431323334', sw]), rule, pin('1234'));
    await expect(presented).rejects.toMatchObject({ code: 'operator.pin-blocked' });
  });

  it.each(['', '123', '12345', '12a4'])(
    'sends nothing for a malformed PIN (%j), and still overwrites it',
    async (text) => {
      const value = pin(text);
      await expect(presentPin(play(), rule, value)).rejects.toMatchObject({ code: 'operator.pin-malformed' });
      expect(value.every((byte) => byte === 0)).toBe(true);
    },
  );

  it('overwrites the PIN when the card has gone, and never names it', async () => {
    const value = pin('1234');
    const gone = new SekishoError('card.removed');
    const presented = presentPin(play(['002000980431323334', gone]), rule, value);
    await expect(presented).rejects.toBe(gone);
    expect(value).toEqual(new Uint8Array(4));
  });
});

describe('asking for the tries left', () => {
  it.each([
    ['63C3', { state: 'tries', left: 3 }],
    ['63CF', { state: 'tries', left: 15 }],
    ['63C0', { state: 'blocked' }],
    ['6984', { state: 'blocked' }],
    ['6983', { state: 'blocked' }],
    ['9000', { state: 'verified' }],
    ['6300', { state: 'unlimited' }],
  ])('reads %s', async (sw, state) => {
    expect(await queryPin(play(['00200098', sw]), 0x98)).toEqual(state);
  });

  it('does not read anything into other answers', async () => {
    await expect(queryPin(play(['00200098', '6A88']), 0x98)).rejects.toMatchObject({
      code: 'card.file-not-found',
    });
  });
});
