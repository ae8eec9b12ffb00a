/**
 * Which screen holds the operator's session. The cookie is 32 random bytes; only their SHA-256 is kept, so a
 * look into memory opens nothing. How long a session lives is the gateway's decision: a screen's session ends
 * in the moment the snapshot names no operator, or another one.
 */
import { createHash } from 'node:crypto';
import { SekishoError } from '#contract/errors.ts';
import type { GatewaySnapshot } from '#contract/snapshot.ts';
import type { Caller, Gateway } from '#gateway/face.ts';
import type { Clock } from '#ports/clock.ts';
import type { Random } from '#ports/random.ts';

/** `__Host-` makes the browser itself insist on Secure, Path=/ and no Domain. @see RFC 6265bis §4.1.3.2 */
const COOKIE = '__Host-sekisho';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';
const TOKEN_BYTES = 32;
const MAX_SCREENS = 64;

export interface Sessions {
  /** Opens a session for `caller` and answers the Set-Cookie value. */
  open(caller: Caller): string;
  /** Ends every screen's session (the operator signed out) and answers the Set-Cookie value that says so. */
  end(): string;
  /**
   * The one place where the roles of the route list are enforced.
   * @throws SekishoError `operator.not-signed-in` without a cookie, `operator.session-ended` with a dead one,
   * `operator.role-insufficient` for who is no administrator where one is wanted.
   */
  authenticate(cookieHeader: string | undefined, auth: 'operator' | 'administrator'): Caller;
  close(): void;
}

export function createSessions(gateway: Gateway, clock: Clock, random: Random): Sessions {
  const callers = new Map<string, Caller>();
  let newest = seenAt(gateway.snapshot(), clock.monotonicMs());

  /** Forgets whoever is not the operator of the newest snapshot, and all when their time is over. */
  const keepOnlyOperator = (snapshot: GatewaySnapshot): void => {
    if (snapshot.revision !== newest.revision) newest = seenAt(snapshot, clock.monotonicMs());
    const operatorId = clock.monotonicMs() < newest.endsAtMs ? newest.operatorId : undefined;
    for (const [digest, caller] of callers) if (caller.operatorId !== operatorId) callers.delete(digest);
  };
  const unsubscribe = gateway.subscribe(keepOnlyOperator);

  return {
    open(caller) {
      const token = Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
      const [oldest] = callers.keys();
      if (callers.size >= MAX_SCREENS && oldest !== undefined) callers.delete(oldest);
      callers.set(digestOf(token), caller);
      return `${COOKIE}=${token}; ${ATTRIBUTES}`;
    },
    end() {
      callers.clear();
      return `${COOKIE}=; ${ATTRIBUTES}; Max-Age=0`;
    },
    authenticate(cookieHeader, auth) {
      const token = readCookie(cookieHeader);
      if (token === undefined) throw new SekishoError('operator.not-signed-in');
      const snapshot = gateway.snapshot();
      keepOnlyOperator(snapshot);
      const caller = callers.get(digestOf(token));
      if (caller === undefined) throw new SekishoError('operator.session-ended');
      const { roles = [] } = snapshot.facts.operator ?? {};
      if (auth === 'administrator' && !roles.includes('administrator'))
        throw new SekishoError('operator.role-insufficient');
      return caller;
    },
    close() {
      unsubscribe();
      callers.clear();
    },
  };
}

interface SeenSnapshot {
  readonly revision: number;
  readonly operatorId: string | undefined;
  /** Monotonic: whoever sets the wall clock neither ends a session nor prolongs it. */
  readonly endsAtMs: number;
}

function seenAt({ revision, at, facts }: GatewaySnapshot, monotonicMs: number): SeenSnapshot {
  const { operator, operatorUntil } = facts;
  const leftMs = operatorUntil === undefined ? Infinity : Date.parse(operatorUntil) - Date.parse(at);
  return { revision, operatorId: operator?.operatorId, endsAtMs: monotonicMs + leftMs };
}

/** A lookup by digest leaks no timing about the token: the digest of a guess is as random as the guess. */
function digestOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

function readCookie(header: string | undefined): string | undefined {
  const pairs = (header ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) || undefined;
}
