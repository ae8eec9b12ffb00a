/**
 * The SAM's tick stamp: E7 { 80 samId, 84 ticks, 85 tickNonce, 83 useCounter, 8A tickPeriodMs, 88 digest } and the device
 * key's signature over the complete E7 object. Every field has a fixed length, so the object has one possible layout.
 * @see docs/sam-profile.md §2, §4.7
 */
import { type KeyObject, verify } from 'node:crypto';
import type { TickStamp } from './ledger.ts';
import type { Hex } from './record.ts';

export interface Ticks {
  readonly samId: Hex;
  readonly ticks: bigint;
  /** Random, new at each power-up: ticks compare only under the same nonce. */
  readonly tickNonce: Hex;
  readonly useCounter: number;
  /** How long a tick is by the SAM's own word; 0 when ticks count stamps, not time. */
  readonly tickPeriodMs: number;
  /** What was stamped. */
  readonly digest: Hex;
}

const LAYOUT =
  /^e7528008(?<samId>[0-9a-f]{16})8408(?<ticks>[0-9a-f]{16})8510(?<tickNonce>[0-9a-f]{32})8304(?<useCounter>[0-9a-f]{8})8a02(?<tickPeriodMs>[0-9a-f]{4})8820(?<digest>[0-9a-f]{64})$/;

const STAMP_OBJECT_CHARS = 2 * 84;

/** Reads an E7 object; undefined when it is not exactly one. */
export function parseTicks(stamp: Hex): Ticks | undefined {
  const fields = LAYOUT.exec(stamp)?.groups;
  if (fields === undefined) return undefined;
  const { samId = '', ticks = '', tickNonce = '', useCounter = '', tickPeriodMs = '', digest = '' } = fields;
  return {
    samId,
    ticks: BigInt(`0x${ticks}`),
    tickNonce,
    useCounter: Number.parseInt(useCounter, 16),
    tickPeriodMs: Number.parseInt(tickPeriodMs, 16),
    digest,
  };
}

/** Splits a complete tick stamp, `E7 … ‖ 9E len signature`, as the SAM answers it. */
export function parseCompleteStamp(complete: Hex): TickStamp | undefined {
  const stamp = complete.slice(0, STAMP_OBJECT_CHARS);
  const tail = /^9e([0-7][0-9a-f])((?:[0-9a-f]{2})+)$/.exec(complete.slice(STAMP_OBJECT_CHARS));
  if (tail === null) return undefined;
  const [, length = '', signature = ''] = tail;
  return signature.length === 2 * Number.parseInt(length, 16) ? { stamp, signature } : undefined;
}

export function encodeCompleteStamp({ stamp, signature }: TickStamp): Hex {
  return `${stamp}9e${(signature.length / 2).toString(16).padStart(2, '0')}${signature}`;
}

/** ECDSA P-256 with SHA-256, DER signature, over the complete E7 object. */
export function verifyStamp({ stamp, signature }: TickStamp, deviceKey: KeyObject): boolean {
  const key = { key: deviceKey, dsaEncoding: 'der' } as const;
  return verify('sha256', Buffer.from(stamp, 'hex'), key, Buffer.from(signature, 'hex'));
}
