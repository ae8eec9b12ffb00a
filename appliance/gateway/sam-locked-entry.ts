/** The entry that the SAM is locked; by then it must be. */
import type { GatewayCore } from './core.ts';
import type { GatewayParts } from './parts.ts';
import { appendStamped } from './stamped-entry.ts';

export async function recordSamLocked(
  parts: GatewayParts,
  core: GatewayCore,
  reason: string,
  waitsForPerson: boolean,
): Promise<void> {
  const { samAccess, clock } = parts;
  // After a power cycle the SAM stamps its own locking, with a new nonce; one that left can not.
  if (core.facts.sam.kind !== 'absent') await samAccess.ready().catch(() => undefined);
  const atMs = clock.nowMs();
  const at = new Date(atMs).toISOString();
  await appendStamped(parts, { kind: 'sam-locked', at, samId: samAccess.samId, reason }, ({ seq }) => [
    { do: 'remember-sam-lock', lock: { entry: seq, atMs, reason, waitsForPerson } },
  ]);
}
