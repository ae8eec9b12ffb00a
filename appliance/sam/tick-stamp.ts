/** Tick stamps: what one says. @see docs/sam-profile.md 4.7 */
import { toHex } from '#card/bytes.ts';
import { bigOf, numberOf, parseObjects, parseTemplate, TEMPLATES } from './messages.ts';

/** The complete E7 object and its DER signature, lower-case hexadecimal. */
export interface TickStamp {
  readonly stamp: string;
  readonly signature: string;
}

export interface TickStampFacts {
  readonly samId: string;
  readonly ticks: bigint;
  readonly tickNonce: Uint8Array;
  readonly useCounter: number;
  /** 0: ticks count stamps, not time. */
  readonly tickPeriodMs: number;
  /** SHA-256 of what was stamped. */
  readonly digest: Uint8Array;
}

/** Throws `sam.failed` when `stamp` is not a complete E7 object. */
export function parseTickStamp(stamp: Uint8Array): TickStampFacts {
  const content = parseTemplate(stamp, TEMPLATES.tickStamp);
  const objects = parseObjects(content, [
    'samId',
    'ticks',
    'tickNonce',
    'useCounter',
    'tickPeriodMs',
    'digest',
  ]);
  return {
    samId: toHex(objects.samId),
    ticks: bigOf(objects.ticks),
    tickNonce: objects.tickNonce,
    useCounter: numberOf(objects.useCounter),
    tickPeriodMs: numberOf(objects.tickPeriodMs),
    digest: objects.digest,
  };
}
