/** The three worlds of a tap: which services of the centre answer. */
import type { Centre } from '#centre/region.ts';
import type { Mode } from '#contract/snapshot.ts';

type ServiceName = keyof Centre['faults'];

/** Degraded: the way to the SP lives, what a visit asks for does not. */
const DOWN: Readonly<Record<Mode, readonly ServiceName[]>> = {
  online: [],
  degraded: ['eligibility', 'visitHistory'],
  offline: ['serviceProvider', 'eligibility', 'visitHistory', 'ocsp', 'crl', 'tsa'],
};

export function enterWorld(centre: Centre, mode: Mode): void {
  for (const [name, faults] of Object.entries(centre.faults)) {
    if (DOWN[mode].includes(name as ServiceName)) faults.set({ down: true });
    else faults.clear();
  }
}
