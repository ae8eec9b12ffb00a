/**
 * The lower bound of a tap: the time that card and SAM need by the timing profile, with everything that may run in
 * parallel running in parallel. Our own time is whatever the wall clock shows above it.
 */
import type { MeterEntry } from '#drivers/simulated/timing.ts';

/** Instruction bytes that part the tap. @see docs/organisation-profile.md */
const INS = {
  getChallenge: 0x84,
  externalAuthenticate: 0x82,
  computeSignature: 0x2a,
  tickStamp: 0x10,
} as const;

export interface TapTimes {
  readonly cardMs: number;
  readonly samMs: number;
  readonly criticalPathMs: number;
}

function sum(entries: readonly MeterEntry[]): number {
  return entries.reduce((total, { ms }) => total + ms, 0);
}

function round(ms: number): number {
  return Math.round(ms * 100) / 100;
}

/** From what the meter saw between the start of a tap and its visit. */
export function tapTimes(entries: readonly MeterEntry[]): TapTimes {
  const card = entries.filter(({ device }) => device === 'card');
  const sam = entries.filter(({ device }) => device === 'sam');
  const challengeAt = card.findIndex(({ ins }) => ins === INS.getChallenge);
  const authenticateAt = card.findIndex(({ ins }) => ins === INS.externalAuthenticate);
  const samSignMs = sum(sam.filter(({ ins }) => ins === INS.computeSignature));
  const lastStampMs = sam.findLast(({ ins }) => ins === INS.tickStamp)?.ms ?? 0;
  const whole = { cardMs: round(sum(card)), samMs: round(sum(sam)) };
  if (challengeAt < 0 || authenticateAt < 0) return { ...whole, criticalPathMs: whole.cardMs };
  const beforeMs = sum(card.slice(0, challengeAt + 1));
  const meanwhileMs = sum(card.slice(challengeAt + 1, authenticateAt));
  const afterMs = sum(card.slice(authenticateAt));
  const criticalPathMs = beforeMs + Math.max(meanwhileMs, samSignMs) + afterMs + lastStampMs;
  return { ...whole, criticalPathMs: round(criticalPathMs) };
}
