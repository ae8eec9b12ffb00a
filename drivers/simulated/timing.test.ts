import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CardLine } from './card-line.ts';
import { exchangeMs, lineMs, Meter, Pacer, REAL_TIMING, ZERO_TIMING } from './timing.ts';
import { type VirtualCard, WorkLog } from './virtual-card.ts';

const { card, sam } = REAL_TIMING;

/** A clock whose sleep oversleeps, as timers do. */
function lateClock(oversleepMs: number) {
  let nowMs = 1000;
  const clock = {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    sleep: (ms: number) => {
      nowMs += ms + oversleepMs;
      return Promise.resolve();
    },
  };
  return { clock, pass: (ms: number) => (nowMs += ms) };
}

function scriptedCard(device: VirtualCard['device'], answer: Uint8Array): VirtualCard {
  const work = new WorkLog();
  return {
    device,
    atr: new Uint8Array(),
    work,
    powerOn: () => {},
    powerOff: () => {},
    warmReset: () => {},
    process: () => {
      work.note('command');
      work.note('rsa-2048-private');
      return answer;
    },
  };
}

describe('timing profile', () => {
  it('takes as long on air as the standard says', () => {
    // 253 bytes fit one frame of 256: 256 characters of ten etu (94.4 µs), and the frame itself.
    expect(lineMs(card.link, 253)).toBeCloseTo(256 * 0.0944 + 0.39, 6);
    // One byte more needs a second frame and an acknowledgement.
    expect(lineMs(card.link, 254) - lineMs(card.link, 253)).toBeCloseTo(7 * 0.0944 + 2 * 0.39, 6);
  });

  it('charges a signature its planning figure and both ways on the line', () => {
    const ms = exchangeMs(card, 38, 258, ['command', 'rsa-2048-private']);
    expect(ms).toBeCloseTo(352 + lineMs(card.link, 38) + lineMs(card.link, 258), 6);
    expect(exchangeMs(sam, 5, 34, ['command', 'random'])).toBeLessThan(15);
  });

  it('never gets faster with more bytes, and costs nothing in the zero profile', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.nat(300), (length, more) => {
        expect(lineMs(card.link, length + more)).toBeGreaterThanOrEqual(lineMs(card.link, length));
        expect(exchangeMs(ZERO_TIMING.card, length, more, ['command', 'p-384-sign'])).toBe(0);
      }),
    );
  });
});

describe('pacing', () => {
  it('does not add up the lateness of timers', async () => {
    const { clock } = lateClock(1.1);
    const pacer = new Pacer(clock);
    const startMs = clock.monotonicMs();
    for (let round = 0; round < 50; round += 1) await pacer.waitUntil(clock.monotonicMs(), 20);
    expect(clock.monotonicMs() - startMs).toBeLessThan(50 * 20 + 2);
    expect(clock.monotonicMs() - startMs).toBeGreaterThanOrEqual(50 * 20);
  });

  it('lets a busy program be late: its own work is not taken off the card', async () => {
    const { clock } = lateClock(30);
    const pacer = new Pacer(clock);
    const startMs = clock.monotonicMs();
    for (let round = 0; round < 10; round += 1) await pacer.waitUntil(clock.monotonicMs(), 20);
    expect(clock.monotonicMs() - startMs).toBeGreaterThan(10 * 48 - 5);
  });
});

describe('meter', () => {
  it('records each exchange with its device, work and time', async () => {
    const { clock } = lateClock(0);
    const meter = new Meter();
    const answer = new Uint8Array(258);
    const line = new CardLine(scriptedCard('card', answer), { clock, meter, timing: REAL_TIMING });
    await line.exchange(Uint8Array.of(0x80, 0x2a, 0, 0));
    const [entry] = meter.take();
    expect(entry).toMatchObject({ device: 'card', ins: 0x2a, label: 'rsa-2048-private', startMs: 1000 });
    expect(entry).toMatchObject({ commandBytes: 4, answerBytes: 258 });
    expect(clock.monotonicMs()).toBeCloseTo(1000 + (entry?.ms ?? 0), 6);
    expect(meter.take()).toEqual([]);
  });
});
