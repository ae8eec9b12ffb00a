/** A store that seals nothing, for tests of what it keeps. */
import { openDatabase } from '../database.ts';
import { openSealer } from '../sealer.ts';
import { assembleStore, type Store } from '../store.ts';

/** Opens or creates the file at `path`. Throws as `openSealedStore` does. */
export function openUnsealedStore(path: string): Store {
  const database = openDatabase(path);
  try {
    return assembleStore(database, openSealer);
  } catch (thrown) {
    database.close();
    throw thrown;
  }
}
