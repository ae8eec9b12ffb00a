import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { liftSecrets, wipeSecrets } from './secret-field.ts';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('latin1');

describe('liftSecrets', () => {
  test.each([
    ['{"pin":"1234"}', '1234', '{"pin":"0000"}'],
    ['{ "pin" \n:\t"aB3$" , "x":"pin"}', 'aB3$', '{ "pin" \n:\t"xx0x" , "x":"pin"}'],
    ['{"a":"\\"pin\\":\\"9\\"","pin":"77"}', '77', '{"a":"\\"pin\\":\\"9\\"","pin":"00"}'],
    ['{"deep":{"pin":"5"}}', '5', '{"deep":{"pin":"0"}}'],
    ['{"pin":"11","pin":"22"}', '22', '{"pin":"00","pin":"00"}'],
    ['{"pin":1234}', undefined, '{"pin":1234}'],
    ['["pin","1234"]', undefined, '["pin","1234"]'],
    ['{"pin', undefined, '{"pin'],
    ['{"pin":"12', '12', '{"pin":"00'],
    ['', undefined, ''],
  ])('%s', (before, pin, after) => {
    const bytes = bytesOf(before);
    expect(textOf(liftSecrets(bytes).get('pin'))).toBe(pin);
    expect(textOf(bytes)).toBe(after);
  });

  test('a value with an escape, a control or a character beyond ASCII becomes no JSON at all', () => {
    for (const value of ['12\\u0033', 'a b', '１２', 'é', '\u007f']) {
      const bytes = bytesOf(`{"pin":"${value}"}`);
      liftSecrets(bytes);
      expect(() => JSON.parse(Buffer.from(bytes).toString())).toThrow();
    }
  });

  test('whatever the message: the rest stays, the secret comes out whole and nothing of it stays', () => {
    const printable = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{4,16}$/);
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), printable, (noise, pin) => {
        const { pin: _pin, verificationNumberB: _number, ...rest } = noise;
        const bytes = bytesOf(JSON.stringify({ ...rest, pin }));
        const secrets = liftSecrets(bytes);
        const parsed = JSON.parse(Buffer.from(bytes).toString());
        expect(textOf(secrets.get('pin'))).toBe(pin);
        expect(parsed.pin).toBe(pin.replaceAll(/\d/g, '0').replaceAll(/[^0]/g, 'x'));
        wipeSecrets(secrets);
        expect([...secrets.get('pin')!].every((byte) => byte === 0)).toBe(true);
      }),
      { numRuns: 200 },
    );
  });

  test('random bytes never make it fail or grow', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const { length } = bytes;
        liftSecrets(bytes);
        expect(bytes).toHaveLength(length);
      }),
      { numRuns: 300 },
    );
  });
});
