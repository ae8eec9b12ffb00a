import { describe, expect, it } from 'vitest';
import { parseCardOrder } from './order.ts';

describe('the command line of the card', () => {
  it('needs nothing but --vpcd', () => {
    expect(parseCardOrder(['--vpcd'])).toMatchObject({
      does: 'card',
      kind: 'my-number',
      person: undefined,
      serve: { by: 'vpcd', port: undefined },
      timing: 'zero',
      faults: [],
    });
  });

  it('hands faults on in the words of the control language', () => {
    const order = parseCardOrder(['--vpcd', '--fault', 'truncate:1:5', '--fault', 'two-cards']);
    expect(order).toMatchObject({ faults: ['truncate 1 5', 'two-cards'] });
  });

  it('puts the card on an emulated PN532', () => {
    expect(parseCardOrder(['--pn532', '/run/uart', '--kind', 'hpki'])).toMatchObject({
      kind: 'hpki',
      serve: { by: 'pn532', address: '/run/uart' },
    });
  });

  it('writes a file without serving', () => {
    expect(parseCardOrder(['--export', 'c.json'])).toMatchObject({ exportFile: 'c.json', serve: undefined });
  });

  it.each([
    [['--vpcd', '--kind', 'credit'], 'my-number|hpki|sam'],
    [['--vpcd', '--timing', 'fast'], 'real|zero'],
    [['--vpcd', '--port', '0'], '1 to 65535'],
    [['--vpcd', '--port', 'http'], '1 to 65535'],
    [['--vpcd', '--colour', 'red'], '--colour'],
    [['--vpcd', 'mihon-taro'], 'mihon-taro'],
    [['--person', 'mihon-taro'], '--vpcd or --pn532 WHERE is missing'],
    [['--vpcd', '--pn532', 'p'], 'one at a time'],
    [['--pn532', 'p', '--kind', 'sam'], 'no antenna'],
    [['--pn532', 'p', '--port', '35963'], '--port goes with --vpcd'],
  ])('refuses %j and says why', (words, why) => {
    expect(() => parseCardOrder(words)).toThrow(why);
  });
});
