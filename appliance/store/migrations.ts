/** All migrations in their order; the database counts how many it has had. Never edited after a release, only added to. */
import { MIGRATION_0001 } from './migrations/0001-initial.ts';
import { MIGRATION_0002 } from './migrations/0002-data-keys.ts';
import { MIGRATION_0003 } from './migrations/0003-person-uses.ts';
import { MIGRATION_0004 } from './migrations/0004-kept-answers.ts';
import { MIGRATION_0005 } from './migrations/0005-access-log.ts';
import { MIGRATION_0006 } from './migrations/0006-sign-in-failures.ts';
import { MIGRATION_0007 } from './migrations/0007-sam-lock.ts';
import { MIGRATION_0008 } from './migrations/0008-letterbox-entry.ts';

export const MIGRATIONS: readonly string[] = [
  MIGRATION_0001,
  MIGRATION_0002,
  MIGRATION_0003,
  MIGRATION_0004,
  MIGRATION_0005,
  MIGRATION_0006,
  MIGRATION_0007,
  MIGRATION_0008,
];
