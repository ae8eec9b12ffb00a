/** Failed sign-ins with each operator card, and until when it pauses, by running time: no restart gives a try back. */
export const MIGRATION_0006 = `
CREATE TABLE sign_in_failure (
  key_id          TEXT PRIMARY KEY,
  count           INTEGER NOT NULL,
  at_ms           INTEGER NOT NULL,
  paused_until_ms INTEGER NOT NULL
) STRICT;
`;
