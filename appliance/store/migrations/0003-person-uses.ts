/** How often the organisation key was used for whom, by running time; a certificate's hash stands for the person. */
export const MIGRATION_0003 = `
CREATE TABLE person_use (
  position INTEGER PRIMARY KEY,
  person   TEXT NOT NULL,
  at_ms    INTEGER NOT NULL
) STRICT;
`;
