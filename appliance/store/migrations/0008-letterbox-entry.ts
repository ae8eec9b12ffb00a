/** The entry of the evidence that names the letterbox's public key; whoever alters it points to no such entry. */
export const MIGRATION_0008 = `
ALTER TABLE letterbox ADD COLUMN named_in INTEGER;
`;
