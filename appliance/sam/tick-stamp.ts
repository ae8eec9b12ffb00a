/** Tick stamps as evidence: what one says, and whether the device key signed it. @see docs/sam-profile.md 4.7 */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { bigOf, hexOf, numberOf, parseObjects, parseTemplate, TEMPLATES } from './messages.ts';

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
    samId: hexOf(objects.samId),
    ticks: bigOf(objects.ticks),
    tickNonce: objects.tickNonce,
    useCounter: numberOf(objects.useCounter),
    tickPeriodMs: numberOf(objects.tickPeriodMs),
    digest: objects.digest,
  };
}

/**
 * What the stamp says when the P-256 key `devicePublicKey` (DER SubjectPublicKeyInfo) signed it; undefined when it did not.
 * Throws `sam.failed` when the stamp is not a stamp at all.
 */
export function verifyTickStamp(
  stampHex: string,
  signatureHex: string,
  devicePublicKey: Uint8Array,
): TickStampFacts | undefined {
  const stamp = parseHex(stampHex);
  const facts = parseTickStamp(stamp ?? new Uint8Array());
  const signature = parseHex(signatureHex);
  const key = parseDeviceKey(devicePublicKey);
  const good = stamp && signature && key && verify('sha256', stamp, key, signature);
  return good ? facts : undefined;
}

function parseHex(text: string): Uint8Array | undefined {
  return /^(?:[0-9a-f]{2})+$/.test(text) ? Buffer.from(text, 'hex') : undefined;
}

function parseDeviceKey(spki: Uint8Array): KeyObject | undefined {
  try {
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}
