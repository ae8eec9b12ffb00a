/**
 * Whose letterbox it is, by the word of evidence: an entry of kind `data-key` names its public key, and the SAM has stamped
 * that entry. The row of the letterbox alone says nothing: whoever writes the disk writes it.
 */
import type { KeyObject } from 'node:crypto';
import { hashEntry } from '#evidence/entry.ts';
import { parseTicks, verifyStamp } from '#evidence/tick-stamp.ts';
import { type Database, prepare } from './database.ts';

interface StampedRow {
  readonly canonical: string;
  readonly stamp: string;
  readonly signature: string;
}

/** The public key that entry number `seq` names; undefined unless the SAM of `deviceKey` stamped it. */
export type LetterboxName = (seq: number, deviceKey: KeyObject) => Uint8Array | undefined;

export function openLetterboxName(database: Database): LetterboxName {
  const entry = prepare<[number], StampedRow>(
    database,
    'SELECT canonical, stamp, signature FROM entry WHERE seq = ? AND stamp IS NOT NULL AND signature IS NOT NULL',
  );
  return (seq, deviceKey) => {
    const row = entry.get(seq);
    if (row === undefined || parseTicks(row.stamp)?.digest !== hashEntry(row.canonical)) return undefined;
    if (!verifyStamp(row, deviceKey)) return undefined;
    // Stamped, so we have written it.
    const { record } = JSON.parse(row.canonical) as { record: { kind: string; letterboxKey?: string } };
    if (record.kind !== 'data-key' || record.letterboxKey === undefined) return undefined;
    return Buffer.from(record.letterboxKey, 'hex');
  };
}
