/** Which certificates are revoked or on hold, kept by the authorities; OCSP, CRL, eligibility and the SP read it. */
import { type CentreDatabase, openDatabase } from '../database.ts';

/** CRLReason of RFC 5280 §5.3.1, as far as JPKI uses it. */
export const REVOCATION_REASONS = {
  unspecified: 0,
  keyCompromise: 1,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
} as const;

export type RevocationReason = keyof typeof REVOCATION_REASONS;

export interface Revocation {
  /** Content octets of the serial number. */
  readonly serial: Buffer;
  readonly reason: RevocationReason;
  readonly revokedAtMs: number;
}

/** Issuers are named by their key id (SHA-1, hex), because JPKI generations share one name. */
export interface RevocationRegister {
  revoke(issuerKeyId: string, serial: Uint8Array, reason: RevocationReason, atMs: number): void;
  /** Lifts a hold; false when the certificate is not on hold. Every other reason is final. */
  release(issuerKeyId: string, serial: Uint8Array): boolean;
  find(issuerKeyId: string, serial: Uint8Array): Revocation | undefined;
  list(issuerKeyId: string): Revocation[];
  /** Grows with every change; the number of the next CRL. */
  revision(): number;
  /** Many changes in one commit. */
  batch(work: () => void): void;
  close(): void;
}

const MIGRATIONS = [
  `CREATE TABLE revocation (
     issuer TEXT NOT NULL,
     serial BLOB NOT NULL,
     reason TEXT NOT NULL,
     revoked_at_ms INTEGER NOT NULL,
     PRIMARY KEY (issuer, serial)
   ) WITHOUT ROWID;
   CREATE TABLE revision (number INTEGER NOT NULL);
   INSERT INTO revision VALUES (1);`,
];

interface Row {
  readonly serial: Buffer;
  readonly reason: RevocationReason;
  readonly revoked_at_ms: number;
}

const toRevocation = (row: Row): Revocation => ({
  serial: row.serial,
  reason: row.reason,
  revokedAtMs: row.revoked_at_ms,
});

export function openRevocationRegister(file: string): RevocationRegister {
  const database = openDatabase(file, MIGRATIONS);
  return {
    revoke: (issuer, serial, reason, atMs) => revoke(database, issuer, serial, reason, atMs),
    release: (issuer, serial) => release(database, issuer, serial),
    find(issuer, serial) {
      const row = database.get<Row>(
        'SELECT * FROM revocation WHERE issuer = ? AND serial = ?',
        issuer,
        serial,
      );
      return row === undefined ? undefined : toRevocation(row);
    },
    list: (issuer) =>
      database
        .all<Row>('SELECT * FROM revocation WHERE issuer = ? ORDER BY revoked_at_ms, serial', issuer)
        .map(toRevocation),
    revision: () => database.get<{ number: number }>('SELECT number FROM revision')?.number ?? 1,
    batch: (work) => database.transaction(work),
    close: () => database.close(),
  };
}

function revoke(
  database: CentreDatabase,
  issuer: string,
  serial: Uint8Array,
  reason: RevocationReason,
  atMs: number,
): void {
  // A hold may become final; a final revocation keeps its first date and reason.
  const changed = database.run(
    `INSERT INTO revocation VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
     SET reason = excluded.reason, revoked_at_ms = excluded.revoked_at_ms
     WHERE reason = 'certificateHold' AND excluded.reason <> 'certificateHold'`,
    issuer,
    serial,
    reason,
    atMs,
  );
  if (changed > 0) database.run('UPDATE revision SET number = number + 1');
}

function release(database: CentreDatabase, issuer: string, serial: Uint8Array): boolean {
  const changed = database.run(
    `DELETE FROM revocation WHERE issuer = ? AND serial = ? AND reason = 'certificateHold'`,
    issuer,
    serial,
  );
  if (changed > 0) database.run('UPDATE revision SET number = number + 1');
  return changed > 0;
}
