/**
 * Who asked for what, when, from which screen: one record per request that reads or changes patient data or anything of
 * security. A chain of its own, because it grows faster than the evidence; the evidence records its head (`access-log`).
 */
import type { ErrorCode } from '#contract/errors.ts';
import type { EvidenceReceipt } from './ledger.ts';
import type { WallClock } from './record.ts';

/** No name, number or PIN: `subject` is an id of ours, and names come from the roster when somebody reads the log. */
export interface AccessRecord {
  readonly kind: 'access';
  readonly at: WallClock;
  /** Absent when nobody was signed in: a sign-in that was refused. */
  readonly operatorId?: string;
  readonly screen: string;
  /** Of the route list. */
  readonly route: string;
  /** Of what: a tap, a visit, a card, a day, an operator. */
  readonly subject?: string;
  /** The same as in the answer (`X-Request-Id`); the record of a refusal has that of the request. */
  readonly requestId: string;
  /** Why it was refused. The request itself has a record before. */
  readonly error?: ErrorCode;
}

export interface AccessEntry extends AccessRecord {
  readonly seq: number;
}

/** `appliance/store` implements it; protected like the evidence: chained, and neither changed nor removed by SQL. */
export interface AccessLog {
  /** Durable when it returns. Throws `store.full` or `store.failed`. */
  append(record: AccessRecord): EvidenceReceipt;
  head(): EvidenceReceipt | undefined;
  /** Oldest first. */
  between(fromMs: number, toMs: number): readonly AccessEntry[];
}
