/** Forged cards, made from real images. */
import type { KeyObject } from 'node:crypto';
import type { CardImage } from './card/image.ts';
import { exportPrivateKey } from './crypto/keys.ts';

/** A copy with the right certificate and somebody else's key: what a thief of public files can make. */
export function cloneWithKey(image: CardImage, privateKey: KeyObject): CardImage {
  const pkcs8 = exportPrivateKey(privateKey);
  return {
    ...structuredClone(image),
    applications: image.applications.map((application) => ({
      ...application,
      keys: application.keys.map((key) => (key.modes.length > 0 ? { ...key, pkcs8 } : key)),
    })),
  };
}
