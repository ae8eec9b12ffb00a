import { describe, expect, it } from 'vitest';
import { fromHex, toHex } from '../bytes.ts';
import { BAUD_RATES, receivedAt } from './baud.ts';

const FRAME = fromHex('0000FF02FED4022A00');

describe('bytes on a line whose ends disagree', () => {
  it('arrive whole at the same rate, and within what a UART forgives', () => {
    for (const baud of BAUD_RATES) expect(receivedAt(FRAME, baud, baud)).toEqual(FRAME);
    expect(receivedAt(FRAME, 115_200, 117_600)).toEqual(FRAME);
    expect(receivedAt(FRAME, 115_200, 112_000)).toEqual(FRAME);
  });

  it('are nonsense between any two rates of the chip', () => {
    for (const from of BAUD_RATES) {
      for (const to of BAUD_RATES) {
        if (from !== to) expect(toHex(receivedAt(FRAME, from, to))).not.toContain('00FF02FE');
      }
    }
  });

  it('become few at a slow receiver and many at a fast one', () => {
    expect(receivedAt(FRAME, 921_600, 9_600).length).toBeLessThanOrEqual(1);
    expect(receivedAt(fromHex('5555'), 9_600, 115_200).length).toBe(10);
  });

  it('look as they do on a scope: 00 at a third of the rate is one long low', () => {
    // Start and eight bits low are three bits of the receiver: its start bit and two more.
    expect(toHex(receivedAt(fromHex('00'), 115_200, 38_400))).toBe('FC');
  });
});
