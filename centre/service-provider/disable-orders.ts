/** SAMs that shall be dead: ordered by an administrator of the SP, signed when the SAM's own challenge comes. */
import type { CentreDatabase } from '../database.ts';

export interface DisableOrders {
  order(samId: string, atMs: number): void;
  isOrdered(samId: string): boolean;
  /** Of one institution, in order. */
  ordered(institutionCode: string): readonly string[];
  /** The signed order went out; the SAM may ask again, as long as the order stands. */
  noteSigned(samId: string, atMs: number): void;
  /** When the order was last signed for the SAM; undefined before. */
  signedAtMs(samId: string): number | undefined;
  /** The SAM was personalised anew. */
  lift(samId: string): void;
}

export function createDisableOrders(database: CentreDatabase): DisableOrders {
  return {
    order(samId, atMs) {
      database.run('INSERT OR IGNORE INTO disable_order VALUES (?, ?, NULL)', samId, atMs);
    },
    isOrdered: (samId) =>
      database.get<{ found: number }>('SELECT 1 AS found FROM disable_order WHERE sam_id = ?', samId) !==
      undefined,
    ordered(institutionCode) {
      const sql = `SELECT sam_id FROM disable_order JOIN device USING (sam_id)
        WHERE institution_code = ? ORDER BY sam_id`;
      return database.all<{ sam_id: string }>(sql, institutionCode).map((row) => row.sam_id);
    },
    noteSigned(samId, atMs) {
      database.run('UPDATE disable_order SET signed_at_ms = ? WHERE sam_id = ?', atMs, samId);
    },
    signedAtMs(samId) {
      const sql = 'SELECT signed_at_ms FROM disable_order WHERE sam_id = ?';
      return database.get<{ signed_at_ms: number | null }>(sql, samId)?.signed_at_ms ?? undefined;
    },
    lift(samId) {
      database.run('DELETE FROM disable_order WHERE sam_id = ?', samId);
    },
  };
}
