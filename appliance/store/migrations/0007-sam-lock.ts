/** Why the SAM was locked last, and whether only a person opens it again. */
export const MIGRATION_0007 = `
CREATE TABLE sam_lock (
  only             INTEGER PRIMARY KEY CHECK (only = 1),
  entry            INTEGER NOT NULL,
  at_ms            INTEGER NOT NULL,
  reason           TEXT NOT NULL,
  waits_for_person INTEGER NOT NULL
) STRICT;
`;
