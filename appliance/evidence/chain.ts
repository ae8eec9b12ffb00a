/** The hash chain, checked entry by entry. Pure: bytes in, the first break out. */
import { CHAIN_START, entryFrame, hashEntry } from './entry.ts';
import type { EvidenceReceipt } from './ledger.ts';
import type { Hex } from './record.ts';

/** An entry as somebody hands it over: the bytes, and the hash that they are said to have. */
export interface ClaimedEntry {
  readonly hash: Hex;
  readonly canonical: Buffer;
}

export type ChainBreak =
  /** The bytes do not have the hash that stands beside them. */
  | 'entry-altered'
  /** Not an entry at all. */
  | 'entry-malformed'
  /** Well formed, but its number is not the next one: something was removed, repeated or moved. */
  | 'sequence-broken'
  /** The right number, but it does not continue the entry before. */
  | 'link-broken';

export interface ChainCheck {
  /** Takes the next entry; answers why it does not continue the chain. */
  accept(entry: ClaimedEntry): ChainBreak | undefined;
  head(): EvidenceReceipt | undefined;
}

export function createChainCheck(): ChainCheck {
  let seq = 0;
  let prev = CHAIN_START;
  return {
    accept({ hash, canonical }) {
      if (hashEntry(canonical) !== hash) return 'entry-altered';
      const frame = entryFrame(seq + 1, prev);
      if (!startsWith(canonical, frame.before) || !endsWith(canonical, frame.after)) {
        return explain(canonical, seq + 1);
      }
      seq += 1;
      prev = hash;
      return undefined;
    },
    head: () => (seq === 0 ? undefined : { seq, hash: prev }),
  };
}

const ENTRY_SHAPE = /^\{"prev":"[0-9a-f]{64}","record":\{.*\},"seq":([1-9]\d*),"v":1\}$/s;

function explain(canonical: Buffer, expectedSeq: number): ChainBreak {
  const shape = ENTRY_SHAPE.exec(canonical.toString('utf8'));
  if (shape === null) return 'entry-malformed';
  return Number(shape[1]) === expectedSeq ? 'link-broken' : 'sequence-broken';
}

// The frame is ASCII, so comparing as Latin-1 compares bytes; it is the fastest way that Node offers.
function startsWith(bytes: Buffer, ascii: string): boolean {
  return bytes.toString('latin1', 0, ascii.length) === ascii;
}

function endsWith(bytes: Buffer, ascii: string): boolean {
  return bytes.toString('latin1', Math.max(0, bytes.length - ascii.length)) === ascii;
}
