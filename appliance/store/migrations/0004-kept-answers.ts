/**
 * What must not be asked for again: the insured number that a clerk typed while nobody answered, until the question is
 * closed; and the SP's no to an unlock, until its next yes.
 */
export const MIGRATION_0004 = `
ALTER TABLE question ADD COLUMN sealed_insured BLOB;

CREATE TABLE unlock_refusal (
  only  INTEGER PRIMARY KEY CHECK (only = 1),
  at_ms INTEGER NOT NULL
) STRICT;
`;
