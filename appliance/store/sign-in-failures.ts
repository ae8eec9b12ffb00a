/** Failed sign-ins, so that no restart gives a try at somebody's PIN back. */
import { type Database, prepare } from './database.ts';

interface SignInFailure {
  readonly keyId: string;
  readonly count: number;
  readonly atMs: number;
  readonly pausedUntilMs: number;
}

export interface SignInFailureShelf {
  signInFailures(): readonly SignInFailure[];
  /** In the place of an earlier one of the card. Durable when it returns; throws `store.*`. */
  recordSignInFailure(failure: SignInFailure): void;
  forgetSignInFailure(keyId: string): void;
}

export function createSignInFailureShelf(database: Database): SignInFailureShelf {
  const all = prepare<[], SignInFailure>(
    database,
    'SELECT key_id AS keyId, count, at_ms AS atMs, paused_until_ms AS pausedUntilMs FROM sign_in_failure',
  );
  const put = prepare<[string, number, number, number]>(
    database,
    'INSERT OR REPLACE INTO sign_in_failure (key_id, count, at_ms, paused_until_ms) VALUES (?, ?, ?, ?)',
  );
  const forget = prepare<[string]>(database, 'DELETE FROM sign_in_failure WHERE key_id = ?');
  return {
    signInFailures: () => all.all(),
    recordSignInFailure({ keyId, count, atMs, pausedUntilMs }) {
      put.run(keyId, count, atMs, pausedUntilMs);
    },
    forgetSignInFailure(keyId) {
      forget.run(keyId);
    },
  };
}
