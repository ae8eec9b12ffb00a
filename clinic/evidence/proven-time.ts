/** Between which two moments an entry was made, as far as that is proven, in both languages. */
import type { ProvenInterval } from '#evidence/time-proof.ts';

export function describeProvenTime({ seq, notBeforeMs, notAfterMs }: ProvenInterval): readonly string[] {
  const [from, to] = [notBeforeMs, notAfterMs].map(instant);
  return [
    `記録 ${seq}: ${from ?? '（下限の証明なし）'} から ${to ?? '（上限の証明なし）'} までの間に作成`,
    `entry ${seq}: made not before ${from ?? '(nothing proven)'}, not after ${to ?? '(nothing proven)'}`,
  ];
}

function instant(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : new Date(ms).toISOString();
}
