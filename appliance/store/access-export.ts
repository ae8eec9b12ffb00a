/** Reads the access log beside a running appliance, and says whether anything in it was changed, removed or added. */
import { RosterAnswer } from '#contract/centre/service-provider.ts';
import type { AccessEntry, AccessRecord } from '#evidence/access-log.ts';
import { type ChainBreak, createChainCheck } from '#evidence/chain.ts';
import { type Database, openDatabaseForReading, prepare } from './database.ts';

export interface AccessExport {
  readonly entries: readonly AccessEntry[];
  /** By operator id, as the roster has them now. */
  readonly names: ReadonlyMap<string, string>;
  /** The first that is wrong with the whole log; undefined: it is intact, and continues what the evidence says of it. */
  readonly flaw:
    | { readonly seq: number; readonly reason: ChainBreak | 'evidence-differs' | 'cut-short' }
    | undefined;
  /** Up to here the evidence, with its time stamps, holds the log. */
  readonly anchoredSeq: number;
}

interface Anchor {
  readonly lastSeq: number;
  readonly lastHash: string;
}

/** `isWanted` chooses what is answered; all of it is checked. Throws `store.*`. */
export function readAccessLog(
  databasePath: string,
  isWanted: (record: AccessRecord) => boolean = () => true,
): AccessExport {
  const database = openDatabaseForReading(databasePath);
  try {
    // One transaction: evidence and log of one moment.
    return database.transaction(() => read(database, isWanted))();
  } finally {
    database.close();
  }
}

function read(database: Database, isWanted: (record: AccessRecord) => boolean): AccessExport {
  const anchors = readAnchors(database);
  const check = createChainCheck();
  const entries: AccessEntry[] = [];
  let flaw: AccessExport['flaw'];
  const rows = prepare<[], { hash: string; canonical: string }>(
    database,
    'SELECT hash, canonical FROM access ORDER BY seq',
  );
  for (const { hash, canonical } of rows.iterate()) {
    const seq = (check.head()?.seq ?? 0) + 1;
    const reason = check.accept({ hash, canonical: Buffer.from(canonical, 'utf8') });
    if (reason !== undefined) {
      flaw = { seq, reason };
      break;
    }
    if ((anchors.get(seq) ?? hash) !== hash) flaw ??= { seq, reason: 'evidence-differs' };
    const { record } = JSON.parse(canonical) as { record: AccessRecord };
    if (isWanted(record)) entries.push({ ...record, seq });
  }
  const lastSeq = check.head()?.seq ?? 0;
  const anchoredSeq = Math.max(0, ...anchors.keys());
  if (lastSeq < anchoredSeq) flaw ??= { seq: lastSeq + 1, reason: 'cut-short' };
  return { entries, names: readNames(database), flaw, anchoredSeq };
}

/** What the evidence says of the log, by its last number. */
function readAnchors(database: Database): ReadonlyMap<number, string> {
  const sql = `SELECT canonical FROM entry WHERE canonical LIKE '%"kind":"access-log"%' ORDER BY seq`;
  const rows = prepare<[], { canonical: string }>(database, sql).all();
  return new Map(
    rows.map(({ canonical }) => {
      const { lastSeq, lastHash } = (JSON.parse(canonical) as { record: Anchor }).record;
      return [lastSeq, lastHash];
    }),
  );
}

function readNames(database: Database): ReadonlyMap<string, string> {
  const row = prepare<[], { answer: string }>(database, 'SELECT answer FROM roster').get();
  const operators = row === undefined ? [] : RosterAnswer.parse(JSON.parse(row.answer)).operators;
  return new Map(operators.map(({ keyId, displayName }) => [keyId.slice(0, 16), displayName]));
}
