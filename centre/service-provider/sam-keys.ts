/**
 * The keys that the SP gives to SAMs and has to know again: an institution's card IDs and its sealed data must outlive
 * the SAM in its slot. In a real region they lie in the SP's hardware security module.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { CentreDatabase } from '../database.ts';
import { CentreRefusal } from '../http/problem.ts';
import type { DeviceRecord } from './registry.ts';

/** For DGI 8140 and 8141 of a personalisation (`docs/sam-profile.md` 5). */
export interface SamKeys {
  /** One for all SAMs of an institution. */
  readonly idDerivationKey: Uint8Array;
  /** Of this SAM alone: a stolen one opens nothing of its replacement. */
  readonly storageKey: Uint8Array;
}

export interface SamKeyRegister {
  /** Made at the first asking, the same ever after. */
  keysFor(samId: string, institutionCode: string): SamKeys;
  /**
   * A data key that `fromSamId` wrapped, wrapped for `device`. Throws `device-unknown` when they are not of one
   * institution, `message-invalid` when that SAM never wrapped it.
   */
  rewrap(fromSamId: string, wrapped: Uint8Array, device: DeviceRecord): Uint8Array;
}

const KEY_BYTES = 32;
/** @see RFC 3394 §2.2.3.1 */
const INITIAL_VALUE = Buffer.alloc(8, 0xa6);
const KEY_WRAP = 'id-aes256-wrap';

interface StorageKeyRow {
  readonly institution_code: string;
  readonly storage_key: Buffer;
}

export function createSamKeyRegister(database: CentreDatabase): SamKeyRegister {
  const storageKeyOf = (samId: string): StorageKeyRow | undefined =>
    database.get<StorageKeyRow>('SELECT institution_code, storage_key FROM sam_key WHERE sam_id = ?', samId);

  return {
    keysFor: (samId, institutionCode) =>
      database.transaction(() => {
        database.run(
          'INSERT INTO institution_key VALUES (?, ?) ON CONFLICT DO NOTHING',
          institutionCode,
          randomBytes(KEY_BYTES),
        );
        database.run(
          'INSERT INTO sam_key VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
          samId,
          institutionCode,
          randomBytes(KEY_BYTES),
        );
        const institution = database.get<{ id_derivation_key: Buffer }>(
          'SELECT id_derivation_key FROM institution_key WHERE institution_code = ?',
          institutionCode,
        );
        const sam = storageKeyOf(samId);
        if (institution === undefined || sam?.institution_code !== institutionCode) {
          throw new RangeError('this SAM belongs to another institution');
        }
        return { idDerivationKey: institution.id_derivation_key, storageKey: sam.storage_key };
      }),
    rewrap(fromSamId, wrapped, device) {
      const from = storageKeyOf(fromSamId);
      const to = storageKeyOf(device.samId);
      const isOneInstitution =
        from?.institution_code === device.institutionCode && to?.institution_code === device.institutionCode;
      if (from === undefined || to === undefined || !isOneInstitution) {
        throw new CentreRefusal('device-unknown', 'That SAM was never given to this institution.');
      }
      const key = unwrap(wrapped, from.storage_key);
      const cipher = createCipheriv(KEY_WRAP, to.storage_key, INITIAL_VALUE);
      const rewrapped = Buffer.concat([cipher.update(key), cipher.final()]);
      key.fill(0);
      return rewrapped;
    },
  };
}

function unwrap(wrapped: Uint8Array, storageKey: Uint8Array): Buffer {
  try {
    const decipher = createDecipheriv(KEY_WRAP, storageKey, INITIAL_VALUE);
    return Buffer.concat([decipher.update(wrapped), decipher.final()]);
  } catch {
    throw new CentreRefusal('message-invalid', 'That SAM did not wrap this key.');
  }
}
