/** Who asked for what: a chain like that of the evidence, in a table of its own. */
export const MIGRATION_0005 = `
CREATE TABLE access (
  seq       INTEGER PRIMARY KEY CHECK (seq > 0),
  at_ms     INTEGER NOT NULL,
  hash      TEXT NOT NULL,
  canonical TEXT NOT NULL
) STRICT;

CREATE INDEX access_by_time ON access (at_ms);

CREATE TRIGGER access_is_never_changed BEFORE UPDATE ON access
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;

CREATE TRIGGER access_is_never_removed BEFORE DELETE ON access
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END;
`;
