/**
 * One entry of the chain: the canonical JSON object `{prev, record, seq, v}`. Its hash is SHA-256 over exactly
 * those bytes, so `sha256sum` is all that an auditor needs.
 */
import { hash } from 'node:crypto';
import type { AccessRecord } from './access-log.ts';
import { canonicalJson } from './canonical.ts';
import type { EvidenceRecord, Hex } from './record.ts';

const ENTRY_VERSION = 1;

/** `prev` of entry 1. */
export const CHAIN_START: Hex = '0'.repeat(64);

export interface Entry {
  readonly v: typeof ENTRY_VERSION;
  /** 1, 2, 3 … without gaps. */
  readonly seq: number;
  /** Hash of the entry before. */
  readonly prev: Hex;
  readonly record: EvidenceRecord;
}

export function encodeEntry(seq: number, prev: Hex, record: EvidenceRecord | AccessRecord): string {
  const entry = { v: ENTRY_VERSION, seq, prev, record };
  return canonicalJson(entry);
}

export function hashEntry(canonical: string | Uint8Array): Hex {
  return hash('sha256', canonical, 'hex');
}

/** What stands before and after the record in every entry; the canonical order of the four names makes them fixed. */
export function entryFrame(seq: number, prev: Hex): { readonly before: string; readonly after: string } {
  return { before: `{"prev":"${prev}","record":{`, after: `},"seq":${seq},"v":${ENTRY_VERSION}}` };
}
