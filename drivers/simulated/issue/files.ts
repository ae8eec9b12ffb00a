/** Small things every application image is made of. */
import type { KeyObject } from 'node:crypto';
import { concat, fromHex, toBase64 } from '../bytes.ts';
import type { Access, FileImage, KeyImage, PinImage } from '../card/image.ts';
import { exportPrivateKey } from '../crypto/keys.ts';

/** An elementary file, filled up with FF to whole units of `unitBytes`. */
export function file(id: string, content: Uint8Array, read: Access, unitBytes = 1): FileImage {
  const filler = new Uint8Array((unitBytes - (content.length % unitBytes)) % unitBytes).fill(0xff);
  return { id, content: toBase64(concat(content, filler)), read };
}

/** P2 that names a file by its short id. */
export function shortReference(id: string): number {
  return 0x80 | (fromHex(id)[1] ?? 0);
}

export function pin(id: string, value: string, triesMax: number, isChangeable = false): PinImage {
  return { id, reference: shortReference(id), value, triesLeft: triesMax, triesMax, isChangeable };
}

/** A PIN that is blocked as the card is issued. */
export function blockedPin(id: string): PinImage {
  return { id, reference: shortReference(id), triesLeft: 0, triesMax: 3, isChangeable: false };
}

export function key(id: string, privateKey: KeyObject, use: Access, modes: readonly number[]): KeyImage {
  return { id, reference: shortReference(id), pkcs8: exportPrivateKey(privateKey), use, modes };
}

/** `YYYYMMDD` of an ISO date. */
export function compactDate(isoDate: string): string {
  return isoDate.replaceAll('-', '');
}
