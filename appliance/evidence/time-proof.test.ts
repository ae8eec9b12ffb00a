import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createTimeProof, type TimeAnchor } from './time-proof.ts';

const samId = '53414d3030303031';
const tickNonce = '11'.repeat(16);
const NOON = Date.parse('2026-11-21T12:00:00Z');

const anchor: TimeAnchor = {
  seq: 10,
  samId,
  tickNonce,
  ticksBefore: 100n,
  ticksAfter: 102n,
  tickPeriodMs: 1_000,
  seenEarliestMs: NOON - 500,
  seenLatestMs: NOON + 500,
  coversSeq: 8,
};

describe('the proven time of an entry', () => {
  test('is counted in ticks from the anchor, on either side, widened by one tick and the tolerance', () => {
    const prove = createTimeProof([anchor]);
    // One hour later, 100 ppm of 3,601 s is 360.1 ms.
    expect(prove(50, { samId, tickNonce, ticks: 3_700n })).toEqual({
      seq: 50,
      notBeforeMs: NOON - 500 + 3_597_000 - 359.7,
      notAfterMs: NOON + 500 + 3_601_000 + 360.1,
    });
  });

  test('comes from the chain alone when the counter counts stamps, is of another power-up, or is missing', () => {
    const stamped = createTimeProof([{ ...anchor, tickPeriodMs: 0 }]);
    expect(stamped(50, { samId, tickNonce, ticks: 200n })).toEqual({
      seq: 50,
      notBeforeMs: NOON - 500,
      notAfterMs: undefined,
    });
    expect(stamped(9, { samId, tickNonce, ticks: 99n })).toEqual({
      seq: 9,
      notBeforeMs: undefined,
      notAfterMs: NOON + 500,
    });
    const prove = createTimeProof([
      anchor,
      { ...anchor, seq: 90, coversSeq: 88, seenEarliestMs: NOON + 9e6, seenLatestMs: NOON + 9e6 },
    ]);
    const other = { samId, tickNonce: '22'.repeat(16), ticks: 5n };
    for (const reading of [undefined, other]) {
      expect(prove(50, reading)).toEqual({ seq: 50, notBeforeMs: NOON - 500, notAfterMs: NOON + 9e6 });
      expect(prove(8, reading)).toEqual({ seq: 8, notBeforeMs: undefined, notAfterMs: NOON + 500 });
      expect(prove(89, reading)).toEqual({ seq: 89, notBeforeMs: NOON - 500, notAfterMs: undefined });
    }
  });

  test('without any anchor there is none', () => {
    expect(createTimeProof([])(1, { samId, tickNonce, ticks: 1n })).toEqual({
      seq: 1,
      notBeforeMs: undefined,
      notAfterMs: undefined,
    });
  });

  test('always contains the true time, whatever the phase and the drift of the counter', () => {
    const day = fc.integer({ min: 0, max: 86_400_000 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5_000 }),
        fc.double({ min: -99e-6, max: 99e-6, noNaN: true }),
        fc.tuple(day, day, day).map((times) => times.sort((a, b) => a - b)),
        day,
        (tickPeriodMs, drift, [first, seen, second], made) => {
          const ticksAt = (ms: number): bigint => BigInt(Math.floor((ms * (1 + drift)) / tickPeriodMs));
          const prove = createTimeProof([
            {
              ...anchor,
              tickPeriodMs,
              ticksBefore: ticksAt(first!),
              ticksAfter: ticksAt(second!),
              seenEarliestMs: seen!,
              seenLatestMs: seen!,
              seq: 1,
              coversSeq: undefined,
            },
          ]);
          const { notBeforeMs, notAfterMs } = prove(1, { samId, tickNonce, ticks: ticksAt(made) });
          expect(notBeforeMs).toBeLessThanOrEqual(made + 1e-3);
          expect(notAfterMs).toBeGreaterThanOrEqual(made - 1e-3);
        },
      ),
      { numRuns: 300 },
    );
  });
});
