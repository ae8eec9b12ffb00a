/**
 * When an entry was made, as far as it is proven: between which two times, and by whose word.
 *
 * An anchor is a tick stamp (TickStamp1, at `ticksBefore`) that a time-stamp authority saw at `seen`, whose token
 * was then put into an entry that the SAM stamped again (TickStamp2, at `ticksAfter`). So the SAM's counter showed
 * `ticksBefore` before `seen` and `ticksAfter` after it; with a known period every other value of the counter has
 * its earliest and latest time. The chain alone gives weaker bounds without trusting any counter: an entry behind
 * the token is younger than it, an entry that TickStamp1's digest covers is older.
 * @see docs/evidence-format.md; docs/sam-profile.md §4.7
 */
import type { Hex } from './record.ts';

/** A reading of the counter; a counter is known by SAM and nonce, since it starts anew with each power-up. */
export interface TickReading {
  readonly samId: Hex;
  readonly tickNonce: Hex;
  readonly ticks: bigint;
}

export interface TimeAnchor {
  /** The tick-anchor entry. */
  readonly seq: number;
  readonly samId: Hex;
  readonly tickNonce: Hex;
  readonly ticksBefore: bigint;
  /** Undefined when the anchor entry itself is not stamped. */
  readonly ticksAfter: bigint | undefined;
  /** By the stamp itself, so by the SAM; 0: the counter counts stamps, not time. */
  readonly tickPeriodMs: number;
  /** The authority's time, widened by its accuracy. */
  readonly seenEarliestMs: number;
  readonly seenLatestMs: number;
  /** The entry whose hash TickStamp1 stamped: it and all before it existed then. */
  readonly coversSeq: number | undefined;
}

export interface ProvenInterval {
  readonly seq: number;
  readonly notBeforeMs: number | undefined;
  readonly notAfterMs: number | undefined;
}

/** How far the SAM's tick period may be off its nominal length; a crystal keeps well within. */
const TICK_TOLERANCE_PPM = 100;

/** Answers what the anchors of one export prove; `anchors` are in the order of the chain. */
export function createTimeProof(
  anchors: readonly TimeAnchor[],
): (seq: number, reading: TickReading | undefined) => ProvenInterval {
  const ofPowerUp = new Map<string, TimeAnchor[]>();
  for (const anchor of anchors) {
    const same = ofPowerUp.get(powerUp(anchor));
    if (same === undefined) ofPowerUp.set(powerUp(anchor), [anchor]);
    else same.push(anchor);
  }
  const covering = anchors
    .flatMap(({ coversSeq, seenLatestMs }) => (coversSeq === undefined ? [] : [{ coversSeq, seenLatestMs }]))
    .sort((a, b) => a.coversSeq - b.coversSeq);
  return (seq, reading) => {
    const bounds =
      reading === undefined ? [] : (ofPowerUp.get(powerUp(reading)) ?? []).map(boundsOf(reading));
    const before = anchors[countWhile(anchors, (anchor) => anchor.seq < seq) - 1];
    const after = covering[countWhile(covering, ({ coversSeq }) => coversSeq < seq)];
    return {
      seq,
      notBeforeMs: most(Math.max, [before?.seenEarliestMs, ...bounds.map(({ notBeforeMs }) => notBeforeMs)]),
      notAfterMs: most(Math.min, [after?.seenLatestMs, ...bounds.map(({ notAfterMs }) => notAfterMs)]),
    };
  };
}

type Bounds = Omit<ProvenInterval, 'seq'>;

/** What one anchor says about another reading of the same counter. */
function boundsOf(reading: TickReading): (anchor: TimeAnchor) => Bounds {
  return (anchor) => {
    const periodMs = anchor.tickPeriodMs;
    if (periodMs === 0) {
      const earlier = reading.ticks < anchor.ticksBefore;
      return { notBeforeMs: undefined, notAfterMs: earlier ? anchor.seenLatestMs : undefined };
    }
    const notAfterMs = anchor.seenLatestMs + latestMs(reading.ticks - anchor.ticksBefore, periodMs);
    if (anchor.ticksAfter === undefined) return { notBeforeMs: undefined, notAfterMs };
    return {
      notBeforeMs: anchor.seenEarliestMs - latestMs(anchor.ticksAfter - reading.ticks, periodMs),
      notAfterMs,
    };
  };
}

/** Most time between two readings: a value is shown for one whole period, hence the one tick more. */
function latestMs(ticks: bigint, periodMs: number): number {
  const nominalMs = Number(ticks + 1n) * periodMs;
  return nominalMs + (Math.abs(nominalMs) * TICK_TOLERANCE_PPM) / 1_000_000;
}

function powerUp({ samId, tickNonce }: Pick<TickReading, 'samId' | 'tickNonce'>): string {
  return `${samId} ${tickNonce}`;
}

function most(
  choose: (...values: number[]) => number,
  values: readonly (number | undefined)[],
): number | undefined {
  const known = values.filter((value) => value !== undefined);
  return known.length === 0 ? undefined : choose(...known);
}

/** How many leading items satisfy `test`, by bisection. */
function countWhile<Item>(items: readonly Item[], test: (item: Item) => boolean): number {
  let [low, high] = [0, items.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    const item = items[middle];
    if (item !== undefined && test(item)) low = middle + 1;
    else high = middle;
  }
  return low;
}
