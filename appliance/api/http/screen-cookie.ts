/**
 * Tells one browser from another before anybody is signed in: 32 random bytes in a cookie, of which the gateway gets the
 * digest. It opens nothing; it only says whose sign-in waits at the reader.
 */
import { createHash } from 'node:crypto';
import type { Random } from '#ports/random.ts';

/** @see RFC 6265bis §4.1.3.2 for the prefix */
const COOKIE = '__Host-sekisho-screen';
const ATTRIBUTES = 'Path=/; Secure; HttpOnly; SameSite=Strict';
const TOKEN_BYTES = 32;
const TOKEN = /(?:^|;\s*)__Host-sekisho-screen=([A-Za-z0-9_-]{43})(?:;|$)/;

export interface Screen {
  readonly client: string;
  /** The Set-Cookie value for a browser that is new here. */
  readonly cookie: string | undefined;
}

export function recogniseScreen(cookieHeader: string | undefined, random: Random): Screen {
  const known = TOKEN.exec(cookieHeader ?? '')?.[1];
  const token = known ?? Buffer.from(random.bytes(TOKEN_BYTES)).toString('base64url');
  return {
    client: createHash('sha256').update(token).digest('base64'),
    cookie: known === undefined ? `${COOKIE}=${token}; ${ATTRIBUTES}` : undefined,
  };
}
