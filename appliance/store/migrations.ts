/** All migrations in their order; the database counts how many it has had. Never edited after a release, only added to. */
import { MIGRATION_0001 } from './migrations/0001-initial.ts';

export const MIGRATIONS: readonly string[] = [MIGRATION_0001];
