/**
 * HKDF with SHA-256, without salt. The library's `hkdfSync` keeps a copy of the secret in a key object until that is collected as
 * garbage; a hash forgets its message when it ends.
 * @see RFC 5869 §2
 */
import { createHmac } from 'node:crypto';

const NO_SALT = Buffer.alloc(32);
/** The first and only block of an expansion. */
const FIRST = Uint8Array.of(1);

/** One key of 32 bytes for each purpose; the caller overwrites them, and the secret. */
export function deriveKeys<const Purposes extends readonly (string | Uint8Array)[]>(
  secret: Uint8Array,
  ...purposes: Purposes
): { readonly [At in keyof Purposes]: Buffer } {
  const extracted = createHmac('sha256', NO_SALT).update(secret).digest();
  const keys = purposes.map((purpose) =>
    createHmac('sha256', extracted).update(purpose).update(FIRST).digest(),
  );
  extracted.fill(0);
  return keys as { readonly [At in keyof Purposes]: Buffer };
}
