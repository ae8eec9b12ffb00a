/** Data keys: made here, wrapped for the disk, and handed over only sealed to a key of the caller. @see docs/sam-profile.md §4.9 */
import {
  createCipheriv,
  createDecipheriv,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import type { Random } from '#ports/random.ts';
import { ascii, concat, fromBase64, fromHex, uint } from '../bytes.ts';
import { refuse, SW } from '../command.ts';
import { sha256 } from '../crypto/hash.ts';
import { ecPoint, p256PublicKey } from '../crypto/keys.ts';
import type { WorkNotes } from '../virtual-card.ts';
import type { Personalisation } from './state.ts';

const DATA_KEY_BYTES = 32;
const POINT_BYTES = 65;
const WRAPPED_BYTES = 40;
export const UNWRAP_COMMAND_BYTES = POINT_BYTES + WRAPPED_BYTES;

export function generateDataKey(sam: Personalisation, random: Random, work: WorkNotes): Uint8Array {
  work.note('random');
  work.note('symmetric');
  return wrapKey(fromBase64(sam.storageKey), random.bytes(DATA_KEY_BYTES));
}

/** `data`: point of the recipient ‖ wrapped key. Answers: point of the SAM ‖ sealed key. */
export function unwrapDataKey(sam: Personalisation, data: Uint8Array, work: WorkNotes): Uint8Array {
  const [recipientPoint, wrapped] = [data.subarray(0, POINT_BYTES), data.subarray(POINT_BYTES)];
  const recipient = publicKeyAt(recipientPoint);
  work.note('symmetric');
  const dataKey = unwrapKey(fromBase64(sam.storageKey), wrapped);
  work.note('p-256-generate');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  work.note('p-256-agree');
  const shared = new Uint8Array(diffieHellman({ privateKey, publicKey: recipient }));
  const samPoint = ecPoint(publicKey);
  const info = concat(
    ascii('SEKISHO-DATA-KEY-SEAL-1'),
    fromHex(sam.samId),
    wrapped,
    recipientPoint,
    samPoint,
  );
  work.note('symmetric');
  return concat(samPoint, wrapKey(oneStepKdf(shared, info), dataKey));
}

function publicKeyAt(point: Uint8Array): KeyObject {
  if (point[0] !== 4) return refuse(SW.wrongData);
  try {
    return p256PublicKey(point);
  } catch {
    return refuse(SW.wrongData);
  }
}

/** 32 bytes. @see NIST SP 800-56C Rev. 2 §4.1, option 1 with SHA-256 */
function oneStepKdf(shared: Uint8Array, info: Uint8Array): Uint8Array {
  return sha256(uint(1, 4), shared, info);
}

/** RFC 3394 §2.2.3.1 */
const WRAP_IV = fromHex('A6A6A6A6A6A6A6A6');

function wrapKey(keyEncryptionKey: Uint8Array, key: Uint8Array): Uint8Array {
  const cipher = createCipheriv('id-aes256-wrap', keyEncryptionKey, WRAP_IV);
  return new Uint8Array(Buffer.concat([cipher.update(key), cipher.final()]));
}

function unwrapKey(keyEncryptionKey: Uint8Array, wrapped: Uint8Array): Uint8Array {
  try {
    const decipher = createDecipheriv('id-aes256-wrap', keyEncryptionKey, WRAP_IV);
    return new Uint8Array(Buffer.concat([decipher.update(wrapped), decipher.final()]));
  } catch {
    return refuse(SW.secureMessagingObjects);
  }
}
