import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { KeyPresses, makeKeyMap } from './key-map.ts';
import { findKeyFields, readPressedUsages } from './report-descriptor.ts';
import keypads from './testdata/keypads.json' with { type: 'json' };

const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const digit = (text: string): number => text.charCodeAt(0);

describe.each(keypads)('a $name', ({ descriptor, reports }) => {
  const fields = findKeyFields(unhex(descriptor));

  it('says where its keys are', () => {
    expect(fields.length).toBeGreaterThan(0);
  });

  it.each(reports)('reports $report', ({ report, down }) => {
    const expected = down === null ? undefined : new Set(down.map((usage) => Number.parseInt(usage, 16)));
    expect(readPressedUsages(fields, unhex(report))).toEqual(expected);
  });
});

test('a mouse and a descriptor of nonsense have no keys, and neither stops us', () => {
  const mouse =
    '05010902a1010901a100050919012903150025019503750181029501750581010501093009311581257f750895028106c0c0';
  expect(findKeyFields(unhex(mouse))).toEqual([]);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.uint8Array({ maxLength: 70 }), (descriptor, report) => {
      const pressed = readPressedUsages(findKeyFields(descriptor), report) ?? [];
      for (const usage of pressed) expect(usage).toBeGreaterThanOrEqual(0);
    }),
    { numRuns: 2_000 },
  );
});

describe('the keys', () => {
  it('mean digits in both places, OK, cancel and back, and nothing else', () => {
    const map = makeKeyMap();
    const row = [0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27].map((usage) => map.get(usage));
    const pad = [0x59, 0x5a, 0x5b, 0x5c, 0x5d, 0x5e, 0x5f, 0x60, 0x61, 0x62].map((usage) => map.get(usage));
    expect(row).toEqual([...'1234567890'].map(digit));
    expect(pad).toEqual(row);
    expect([0x28, 0x58, 0x29, 0x56, 0x2a].map((usage) => map.get(usage))).toEqual([
      'ok',
      'ok',
      'cancel',
      'cancel',
      'back',
    ]);
    expect(map.get(0x04)).toBeUndefined();
  });

  it('can be others: a lone button that types "a"', () => {
    const map = makeKeyMap({ ok: [0x04] });
    expect(map.get(0x04)).toBe('ok');
    expect(map.get(0x28)).toBeUndefined();
  });

  it('count once for each press, however long it is held and whatever else goes down', () => {
    const presses = new KeyPresses(makeKeyMap());
    const down = (...usages: number[]) => presses.next(new Set(usages));
    expect(down(0x1e)).toEqual([digit('1')]);
    expect(down(0x1e)).toEqual([]);
    expect(down(0x1e, 0x1f)).toEqual([digit('2')]);
    expect(down(0x01)).toEqual([]);
    expect(down(0x1f)).toEqual([]);
    expect(down()).toEqual([]);
    expect(down(0x1f)).toEqual([digit('2')]);
  });
});
