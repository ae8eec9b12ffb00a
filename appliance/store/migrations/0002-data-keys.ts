/**
 * The keys that sealed columns are sealed with, each wrapped by a SAM; the newest seals. The letterbox takes what has
 * to be written while the SAM is locked. Records on their way to the centre are sealed too: what was waiting in clear is
 * sealed when the first key is made (`vault.ts`).
 */
export const MIGRATION_0002 = `
CREATE TABLE data_key (
  position  INTEGER PRIMARY KEY,
  key_id    TEXT NOT NULL UNIQUE,
  sam_id    TEXT NOT NULL,
  wrapped   BLOB NOT NULL
) STRICT;

CREATE TABLE letterbox (
  only               INTEGER PRIMARY KEY CHECK (only = 1),
  public_key         BLOB NOT NULL,
  sealed_private_key BLOB NOT NULL
) STRICT;

CREATE TABLE sealed_outbox (
  position           INTEGER PRIMARY KEY,
  visit_id           TEXT NOT NULL UNIQUE,
  sealed_record      BLOB,
  attempts           INTEGER NOT NULL DEFAULT 0,
  next_attempt_at_ms INTEGER NOT NULL DEFAULT 0,
  last_error         TEXT,
  delivered_at_ms    INTEGER,
  CHECK ((sealed_record IS NULL) = (delivered_at_ms IS NOT NULL))
) STRICT;

INSERT INTO sealed_outbox
  SELECT position, visit_id, CAST(record AS BLOB), attempts, next_attempt_at_ms, last_error, delivered_at_ms FROM outbox;
DROP TABLE outbox;
ALTER TABLE sealed_outbox RENAME TO outbox;
CREATE INDEX outbox_waiting ON outbox (position) WHERE delivered_at_ms IS NULL;
`;
