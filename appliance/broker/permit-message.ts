/**
 * What an administrator's card signs so that the SAM may be used away from its network: one byte string, one meaning.
 * @see docs/permit.md
 */
import { fromHex, toHex } from '#card/bytes.ts';
import { SekishoError } from '#contract/errors.ts';

export interface PermitTerms {
  /** 16 hex digits: the SAM that it is for. */
  readonly samId: string;
  /** 32 hex digits: the network that it is a leave from. */
  readonly networkId: string;
  /** 64 hex digits: the broker's, for this one permit; also its name. */
  readonly nonce: string;
  /** Whole seconds since 1970, by the clock of the box. The time in between is how long it may run at most. */
  readonly issuedAtS: number;
  readonly untilS: number;
  /** Uses of the organisation key. */
  readonly maxUses: number;
  /** Key ids of the cards that may sign in and unlock, in ascending order. */
  readonly operators: readonly string[];
}

export interface SignedPermit {
  readonly message: Uint8Array;
  /** Of the administrator, 64 hex digits. */
  readonly keyId: string;
  readonly signature: Uint8Array;
}

const LABEL = Buffer.from('SEKISHO-PERMIT-1', 'ascii');
const HEAD_BYTES = 92;
const KEY_ID_BYTES = 32;
const MAX_PERMIT_OPERATORS = 16;
export const MAX_PERMIT_BYTES = HEAD_BYTES + MAX_PERMIT_OPERATORS * KEY_ID_BYTES;

export function encodePermit(terms: PermitTerms): Uint8Array {
  const numbers = Buffer.alloc(20);
  numbers.writeBigUInt64BE(BigInt(terms.issuedAtS), 0);
  numbers.writeBigUInt64BE(BigInt(terms.untilS), 8);
  numbers.writeUInt16BE(terms.maxUses, 16);
  numbers.writeUInt16BE(terms.operators.length, 18);
  const ids = [terms.samId, terms.networkId, terms.nonce].map(fromHex);
  return Buffer.concat([LABEL, ...ids, numbers, ...terms.operators.map(fromHex)]);
}

/** Throws `permit.rejected` for anything that the format does not know. */
export function parsePermit(message: Uint8Array): PermitTerms {
  const bytes = Buffer.from(message);
  const count = bytes.length >= HEAD_BYTES ? bytes.readUInt16BE(90) : 0;
  const isForm = count >= 1 && count <= MAX_PERMIT_OPERATORS && bytes.subarray(0, 16).equals(LABEL);
  if (!isForm || bytes.length !== HEAD_BYTES + count * KEY_ID_BYTES) throw malformed();
  const operators = Array.from({ length: count }, (_, index) => {
    const from = HEAD_BYTES + index * KEY_ID_BYTES;
    return toHex(bytes.subarray(from, from + KEY_ID_BYTES));
  });
  if (operators.some((keyId, index) => index > 0 && keyId <= (operators[index - 1] ?? ''))) throw malformed();
  return {
    samId: toHex(bytes.subarray(16, 24)),
    networkId: toHex(bytes.subarray(24, 40)),
    nonce: toHex(bytes.subarray(40, 72)),
    issuedAtS: Number(bytes.readBigUInt64BE(72)),
    untilS: Number(bytes.readBigUInt64BE(80)),
    maxUses: bytes.readUInt16BE(88),
    operators,
  };
}

function malformed(): SekishoError {
  return new SekishoError('permit.rejected', { context: { what: 'form' } });
}
