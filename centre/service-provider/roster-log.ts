/** What the SP keeps about changes of rosters: the nonce that the next one must name, and who signed each that was made. */
import type { CentreDatabase } from '../database.ts';

export interface SignedRosterChange {
  readonly version: number;
  /** Key id of who signed. */
  readonly administrator: string;
  /** What was signed, and the signature: proof of who asked, for as long as the SP keeps it. */
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
  readonly atMs: number;
}

export interface RosterLog {
  /** Replaces the one before. */
  putNonce(samId: string, nonce: Uint8Array, untilMs: number): void;
  /** Whether it is the newest one of this SAM, in time; it is spent either way when it is the newest. */
  spendNonce(samId: string, nonce: Uint8Array, nowMs: number): boolean;
  append(institutionCode: string, change: SignedRosterChange): void;
  /** In order of version. */
  changes(institutionCode: string): readonly SignedRosterChange[];
}

interface ChangeRow {
  readonly version: number;
  readonly administrator: string;
  readonly message: Buffer;
  readonly signature: Buffer;
  readonly at_ms: number;
}

export function createRosterLog(database: CentreDatabase): RosterLog {
  return {
    putNonce(samId, nonce, untilMs) {
      database.run('INSERT OR REPLACE INTO roster_nonce VALUES (?, ?, ?)', samId, nonce, untilMs);
    },
    spendNonce(samId, nonce, nowMs) {
      const found = database.get<{ until_ms: number }>(
        'DELETE FROM roster_nonce WHERE sam_id = ? AND nonce = ? RETURNING until_ms',
        samId,
        nonce,
      );
      return found !== undefined && nowMs < found.until_ms;
    },
    append(institutionCode, { version, administrator, message, signature, atMs }) {
      const sql = 'INSERT INTO roster_change_log VALUES (?, ?, ?, ?, ?, ?)';
      database.run(sql, institutionCode, version, administrator, message, signature, atMs);
    },
    changes(institutionCode) {
      const sql = 'SELECT * FROM roster_change_log WHERE institution_code = ? ORDER BY version';
      return database
        .all<ChangeRow>(sql, institutionCode)
        .map(({ at_ms: atMs, version, administrator, message, signature }) => ({
          version,
          administrator,
          message,
          signature,
          atMs,
        }));
    },
  };
}
