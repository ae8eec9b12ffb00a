/** Forged cards, made from real images. */
import type { KeyObject } from 'node:crypto';
import type { ApplicationImage, CardImage } from './card/image.ts';
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

type Applications = readonly ApplicationImage['kind'][];
const FACE_AND_TEXT: Applications = ['card-face', 'text'];

function ofKind(image: CardImage, kind: ApplicationImage['kind']): ApplicationImage | undefined {
  return image.applications.find((application) => application.kind === kind);
}

/**
 * A card with copied files: face and attributes of `other`, everything signed by the issuer, opened by the numbers of
 * `other`. Keys cannot be copied, so the card still answers challenges with its own.
 */
export function withCopiedFiles(image: CardImage, other: CardImage, kinds = FACE_AND_TEXT): CardImage {
  return {
    ...structuredClone(image),
    applications: image.applications.map((application) => {
      const copied = kinds.includes(application.kind) ? ofKind(other, application.kind) : undefined;
      if (copied === undefined) return structuredClone(application);
      return { ...structuredClone(copied), keys: structuredClone(application.keys) };
    }),
  };
}

/** Two cards behind one antenna: one authenticates, the other shows its face and attributes, each with its own keys. */
export function relayedWith(image: CardImage, other: CardImage, kinds = FACE_AND_TEXT): CardImage {
  return {
    ...structuredClone(image),
    applications: image.applications.map((application) =>
      structuredClone((kinds.includes(application.kind) && ofKind(other, application.kind)) || application),
    ),
  };
}
