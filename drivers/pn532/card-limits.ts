/**
 * What a card says about itself when it is activated. Nothing of it is assumed, and none of it chooses an application.
 *
 * @see ISO 14443-3 §7.9 (ATQB), ISO 14443-4 §5.2 (ATS)
 */
import { Pn532Failure } from './failure.ts';

export interface CardLimits {
  /** The longest frame that the card takes, with PCB, CID and CRC. */
  readonly frameBytes: number;
  /** How long it may take to begin an answer. */
  readonly frameWaitMs: number;
  /** It takes a number (CID) and then listens to blocks with that number only. */
  readonly hasCid: boolean;
  /** How long it must be left alone after its activation. */
  readonly guardMs: number;
}

/** By FSCI. Larger ones of later editions count as 256, the most that fits the chip. */
const FRAME_BYTES = [16, 24, 32, 40, 48, 64, 96, 128, 256] as const;
const MOST_FRAME_BYTES = 256;
const CARRIER_HZ = 13_560_000;
/** 256 * 16 / fc = 0.302 ms, the unit of FWT and SFGT. */
const UNIT_MS = (256 * 16 * 1000) / CARRIER_HZ;
/** FWI 15 is reserved and read as 4. */
const DEFAULT_WAIT_INTEGER = 4;
const RESERVED_INTEGER = 15;

function frameBytesOf(fsci: number): number {
  return FRAME_BYTES[fsci] ?? MOST_FRAME_BYTES;
}

function frameWaitMsOf(fwi: number): number {
  return UNIT_MS * 2 ** (fwi === RESERVED_INTEGER ? DEFAULT_WAIT_INTEGER : fwi);
}

/** `50 | PUPI (4) | application data (4) | protocol info (3, or 4 in the extended form)` */
const ATQB = 0x50;
const ATQB_BYTES = 12;
const PROTOCOL_INFO_OFFSET = 9;

/** Throws `broken-rules` for what is no ATQB, or a card without ISO 14443-4. */
export function parseAtqb(atqb: Uint8Array): CardLimits {
  const [, protocol, waiting] = atqb.subarray(PROTOCOL_INFO_OFFSET);
  if (atqb.length < ATQB_BYTES || atqb[0] !== ATQB || protocol === undefined || waiting === undefined) {
    throw new Pn532Failure('broken-rules', 'ATQB');
  }
  if ((protocol & 0x01) === 0) throw new Pn532Failure('broken-rules', 'no ISO 14443-4');
  return {
    frameBytes: frameBytesOf(protocol >> 4),
    frameWaitMs: frameWaitMsOf(waiting >> 4),
    hasCid: (waiting & 0x01) !== 0,
    guardMs: 0,
  };
}

/** `TL | T0 | TA(1)? | TB(1)? | TC(1)? | historical bytes`; throws `broken-rules` when its lengths disagree. */
export function parseAts(ats: Uint8Array): CardLimits {
  const [length, format = 0x02] = ats;
  if (length !== ats.length) throw new Pn532Failure('broken-rules', 'ATS');
  const rest = [...ats.subarray(2)];
  const next = (bit: number): number | undefined => ((format & bit) === 0 ? undefined : rest.shift());
  next(0x10);
  const waiting = next(0x20) ?? DEFAULT_WAIT_INTEGER << 4;
  const options = next(0x40) ?? 0x02;
  const guard = waiting & 0x0f;
  return {
    frameBytes: frameBytesOf(format & 0x0f),
    frameWaitMs: frameWaitMsOf(waiting >> 4),
    hasCid: (options & 0x02) !== 0,
    guardMs: guard === 0 || guard === RESERVED_INTEGER ? 0 : UNIT_MS * 2 ** guard,
  };
}
