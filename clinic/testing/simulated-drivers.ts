/** The `reader` and `sam` sections for an appliance in a process of its own that cannot share our slots: files. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile } from '#config/schema.ts';
import type { Surroundings } from '../clinic.ts';

/** `personId`'s card lies on the reader. */
export function simulatedDrivers(
  surroundings: Surroundings,
  stateFolder: string,
  personId: string,
): Pick<ConfigFile, 'reader' | 'sam'> {
  const cardFile = join(stateFolder, 'card.json');
  writeFileSync(cardFile, JSON.stringify(surroundings.wallet.get(personId)?.image));
  return {
    reader: { driver: 'simulated', cards: [cardFile] },
    sam: { driver: 'simulated', stateFile: join(stateFolder, 'sam.json') },
  };
}
