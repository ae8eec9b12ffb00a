/**
 * The first tables. Columns named `sealed_…` hold what identifies or describes a patient and pass through the Sealer;
 * everything else is pseudonymous (institution card ID) or about the appliance. No certificate serial anywhere.
 */
export const MIGRATION_0001 = `
CREATE TABLE entry (
  seq       INTEGER PRIMARY KEY CHECK (seq > 0),
  hash      TEXT NOT NULL,
  canonical TEXT NOT NULL,
  stamp     TEXT,
  signature TEXT,
  CHECK ((stamp IS NULL) = (signature IS NULL))
) STRICT;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;

CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'evidence is append-only'); END;

CREATE TABLE certificate (
  sha256 TEXT PRIMARY KEY,
  role   TEXT NOT NULL CHECK (role IN ('sam-device', 'sam-ca', 'tsa', 'tsa-ca')),
  der    BLOB NOT NULL
) STRICT;

CREATE TABLE roster (
  only    INTEGER PRIMARY KEY CHECK (only = 1),
  version INTEGER NOT NULL,
  answer  TEXT NOT NULL
) STRICT;

CREATE TABLE patient (
  patient_id          INTEGER PRIMARY KEY,
  number_index        BLOB UNIQUE,
  sealed_identity     BLOB NOT NULL
) STRICT;

CREATE TABLE card (
  card_id    TEXT PRIMARY KEY,
  patient_id INTEGER NOT NULL REFERENCES patient (patient_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX card_by_patient ON card (patient_id);

CREATE TABLE eligibility (
  card_id       TEXT PRIMARY KEY,
  checked_at_ms INTEGER NOT NULL,
  sealed_answer BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE visit (
  visit_id     TEXT PRIMARY KEY,
  at_ms        INTEGER NOT NULL,
  card_id      TEXT,
  visit_record TEXT NOT NULL CHECK (visit_record IN ('delivered', 'queued', 'none')),
  sealed_visit BLOB NOT NULL
) STRICT;

CREATE INDEX visit_by_time ON visit (at_ms);
CREATE INDEX visit_by_card ON visit (card_id, at_ms);

CREATE TABLE question (
  visit_id           TEXT NOT NULL REFERENCES visit (visit_id) DEFERRABLE INITIALLY DEFERRED,
  question           TEXT NOT NULL CHECK (question IN ('revocation', 'eligibility', 'patient-number')),
  reason             TEXT NOT NULL,
  sealed_serial_hash BLOB,
  opened_at_ms       INTEGER NOT NULL,
  attempts           INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (visit_id, question)
) STRICT;

CREATE INDEX question_by_age ON question (attempts, opened_at_ms);

CREATE TABLE outbox (
  position           INTEGER PRIMARY KEY,
  visit_id           TEXT NOT NULL UNIQUE,
  record             TEXT,
  attempts           INTEGER NOT NULL DEFAULT 0,
  next_attempt_at_ms INTEGER NOT NULL DEFAULT 0,
  last_error         TEXT,
  delivered_at_ms    INTEGER,
  CHECK ((record IS NULL) = (delivered_at_ms IS NOT NULL))
) STRICT;

CREATE INDEX outbox_waiting ON outbox (position) WHERE delivered_at_ms IS NULL;
`;
