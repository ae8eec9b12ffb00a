/** Where the development clinic keeps its state between two starts. */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Compiled code in `build/` stands one folder deeper than its source. */
const PROJECT_ROOT = fileURLToPath(
  new URL('..', import.meta.url.replace(/\/build\/(?=clinic\/[^/]*$)/, '/')),
);

/** `state/` in the project, or what SEKISHO_STATE names. */
export const STATE_FOLDER = resolve(process.env.SEKISHO_STATE ?? join(PROJECT_ROOT, 'state'));

/** The appliance's `store.folder` in the clinic whose state is in `stateFolder`. */
export function applianceFolder(stateFolder: string): string {
  return join(stateFolder, 'appliance');
}

/** The appliance names the file (`DATABASE_FILE`); a test holds the two together without loading it here. */
export function databaseFile(stateFolder: string): string {
  return join(applianceFolder(stateFolder), 'appliance.sqlite');
}
