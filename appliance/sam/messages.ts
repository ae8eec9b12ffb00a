/**
 * Data objects and templates of the SAM (`docs/sam-profile.md` 2 and 4), strictly: exactly the objects that are
 * expected, in their order, with their lengths. Anything else is `sam.failed`.
 */
import type { Suite } from '#card/suite.ts';
import { encodeTlv, parseTlv, parseTlvs, type Tlv } from '#card/tlv.ts';
import { SekishoError } from '#contract/errors.ts';

interface DataObject {
  readonly tag: number;
  /** Absent: any length. */
  readonly lengthBytes?: number;
}

export const DATA_OBJECTS = {
  samId: { tag: 0x80, lengthBytes: 8 },
  challenge: { tag: 0x81, lengthBytes: 32 },
  /** The patient's card gives 8 to 32 bytes, under the same tag. */
  cardChallenge: { tag: 0x81 },
  networkId: { tag: 0x82, lengthBytes: 16 },
  useCounter: { tag: 0x83, lengthBytes: 4 },
  ticks: { tag: 0x84, lengthBytes: 8 },
  tickNonce: { tag: 0x85, lengthBytes: 16 },
  version: { tag: 0x86, lengthBytes: 4 },
  usesLeft: { tag: 0x87, lengthBytes: 2 },
  digest: { tag: 0x88, lengthBytes: 32 },
  state: { tag: 0x89, lengthBytes: 1 },
  tickPeriodMs: { tag: 0x8a, lengthBytes: 2 },
  keyId: { tag: 0x8b, lengthBytes: 32 },
  suite: { tag: 0x8e, lengthBytes: 1 },
  tapId: { tag: 0x91, lengthBytes: 16 },
  tapChallenge: { tag: 0x92, lengthBytes: 32 },
  institutionCode: { tag: 0x93, lengthBytes: 10 },
  signature: { tag: 0x9e },
  applicationId: { tag: 0x84 },
  selectDetails: { tag: 0xa5 },
  profileVersion: { tag: 0x9f08, lengthBytes: 2 },
  publicPoint: { tag: 0x86, lengthBytes: 65 },
} as const satisfies Record<string, DataObject>;

export type DataObjectName = keyof typeof DATA_OBJECTS;

export const TEMPLATES = {
  selectAnswer: 0x6f,
  status: 0xdf20,
  deviceCertificate: 0xdf21,
  institution: 0xdf22,
  profileId: 0xdf23,
  organisationCertificate: 0x7f21,
  operatorUnlock: 0xe4,
  tapRequest: 0xe5,
  tapAnswer: 0xe6,
  tickStamp: 0xe7,
  publicKey: 0x7f49,
} as const;

/** Low byte of the GET DATA tag and of the DGIs that belong to the organisation key of a suite. */
export const ORGANISATION_TAGS: Readonly<Record<Suite, number>> = {
  'rsa-2048-sha256': 0x30,
  'p384-sha384': 0x31,
};

export function encodeObject(name: DataObjectName, value: Uint8Array): Uint8Array {
  const { tag, lengthBytes }: DataObject = DATA_OBJECTS[name];
  if (lengthBytes !== undefined && value.length !== lengthBytes) {
    throw new SekishoError('internal.bug', { context: { object: name, lengthBytes: value.length } });
  }
  return encodeTlv(tag, value);
}

/** Exactly the objects `names`, in this order. */
export function parseObjects<const Names extends readonly DataObjectName[]>(
  bytes: Uint8Array,
  names: Names,
): { readonly [Name in Names[number]]: Uint8Array } {
  const objects = strictly(() => parseTlvs(bytes));
  if (objects.length !== names.length) {
    throw malformed('number of objects');
  }
  const entries = names.map((name, index) => [name, contentOf(objects[index], name)]);
  return Object.fromEntries(entries);
}

function contentOf(object: Tlv | undefined, name: DataObjectName): Uint8Array {
  const { tag, lengthBytes }: DataObject = DATA_OBJECTS[name];
  if (object?.tag !== tag || (lengthBytes !== undefined && object.value.length !== lengthBytes)) {
    throw malformed(name);
  }
  return object.value;
}

/** The content of the one template that `bytes` is. */
export function parseTemplate(bytes: Uint8Array, tag: number): Uint8Array {
  return strictly(() => parseTlv(bytes, tag)).value;
}

/** A template followed by a signature over its complete bytes. */
export function parseSigned(bytes: Uint8Array, tag: number): { signed: Uint8Array; signature: Uint8Array } {
  const [template, signature, ...rest] = strictly(() => parseTlvs(bytes));
  if (template?.tag !== tag || rest.length > 0) {
    throw malformed('signed template');
  }
  return { signed: template.bytes, signature: contentOf(signature, 'signature') };
}

/** Of at most 6 bytes, so that it fits a number. */
export function numberOf(bigEndian: Uint8Array): number {
  return Number(bigOf(bigEndian));
}

export function bigOf(bigEndian: Uint8Array): bigint {
  return bigEndian.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

function strictly<T>(parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw malformed('TLV', cause);
  }
}

export function malformed(what: string, cause?: unknown): SekishoError {
  return new SekishoError('sam.failed', { context: { malformed: what }, cause });
}
