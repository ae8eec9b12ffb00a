/** Is a dated statement (OCSP answer, CRL) still worth something? */
import { SekishoError } from '#contract/errors.ts';

export interface FreshnessPolicy {
  readonly nowMs: number;
  /** A statement older than this is refused even when its own nextUpdate lies ahead. */
  readonly maxAgeMs: number;
  /** How far the two clocks may differ. */
  readonly clockSkewMs: number;
}

/** Throws `revocation.unknown` when the statement is from the future, outdated, or older than the policy allows. */
export function requireFresh(
  statement: { readonly thisUpdateMs: number; readonly nextUpdateMs: number | undefined },
  { nowMs, maxAgeMs, clockSkewMs }: FreshnessPolicy,
): void {
  const { thisUpdateMs, nextUpdateMs } = statement;
  const early = thisUpdateMs > nowMs + clockSkewMs;
  const outdated = nextUpdateMs !== undefined && nextUpdateMs < nowMs - clockSkewMs;
  const old = thisUpdateMs < nowMs - clockSkewMs - maxAgeMs;
  if (early || outdated || old) throw new SekishoError('revocation.unknown', { context: { why: 'stale' } });
}
