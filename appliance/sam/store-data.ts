/** The data grouping identifiers of personalisation, and how STORE DATA blocks carry them. @see docs/sam-profile.md 5 */
import { concatBytes } from '#card/bytes.ts';
import type { Suite } from '#card/suite.ts';
import { ORGANISATION_TAGS } from './messages.ts';

export interface OrganisationCredential {
  /** The complete 7F21 object. */
  readonly certificate: Uint8Array;
  /** PKCS#8 DER. */
  readonly privateKey: Uint8Array;
}

/** Everything that makes a blank SAM the SAM of one institution. */
export interface SamPersonalisation {
  /** Lower-case hexadecimal, 16 digits. */
  readonly samId: string;
  /** Ten digits. */
  readonly institutionCode: string;
  readonly profileId: string;
  /** X.509 DER for the device key that the SAM made. */
  readonly deviceCertificate: Uint8Array;
  /** DER SubjectPublicKeyInfo, P-256. */
  readonly serviceProviderKey: Uint8Array;
  readonly offlineLimits: { readonly maxUses: number; readonly maxTicks: number };
  /** 0: date-stamp variant. */
  readonly tickPeriodMs: number;
  readonly organisation: {
    readonly 'rsa-2048-sha256': OrganisationCredential;
    readonly 'p384-sha384'?: OrganisationCredential | undefined;
  };
  /** 32 bytes; a replacement SAM gets the same, or every keyed card ID changes. */
  readonly idDerivationKey: Uint8Array;
  /** 32 bytes; a replacement SAM gets the same, or the sealed database stays sealed. */
  readonly storageKey: Uint8Array;
}

export type EncryptKeyData = (value: Uint8Array) => Uint8Array;

/** All DGIs in one string of bytes; key data goes through `encrypt` once more. */
export function encodeDgis(profile: SamPersonalisation, encrypt: EncryptKeyData): Uint8Array {
  const { offlineLimits, organisation } = profile;
  return concatBytes(
    dgi(0x0101, Buffer.from(profile.samId, 'hex')),
    dgi(0x0102, text(profile.institutionCode)),
    dgi(0x0103, text(profile.profileId)),
    dgi(0x0104, profile.deviceCertificate),
    dgi(0x0105, profile.serviceProviderKey),
    dgi(0x0106, concatBytes(unsigned(offlineLimits.maxUses, 2), unsigned(offlineLimits.maxTicks, 4))),
    dgi(0x0107, unsigned(profile.tickPeriodMs, 2)),
    ...credential('rsa-2048-sha256', organisation['rsa-2048-sha256'], encrypt),
    ...credential('p384-sha384', organisation['p384-sha384'], encrypt),
    dgi(0x8140, encrypt(profile.idDerivationKey)),
    dgi(0x8141, encrypt(profile.storageKey)),
  );
}

function credential(
  suite: Suite,
  held: OrganisationCredential | undefined,
  encrypt: EncryptKeyData,
): readonly Uint8Array[] {
  if (held === undefined) {
    return [];
  }
  const low = ORGANISATION_TAGS[suite];
  return [dgi(0x0100 | low, held.certificate), dgi(0x8100 | low, encrypt(held.privateKey))];
}

/** Length in one byte, or FF and two. @see GlobalPlatform Card Specification 2.3.1 §11.11.2.3 */
function dgi(number: number, value: Uint8Array): Uint8Array {
  const length =
    value.length < 0xff
      ? unsigned(value.length, 1)
      : concatBytes(Uint8Array.of(0xff), unsigned(value.length, 2));
  return concatBytes(unsigned(number, 2), length, value);
}

export interface StoreDataBlock {
  /** 80 in the last one, which commits everything. */
  readonly p1: number;
  /** Block number. */
  readonly p2: number;
  readonly data: Uint8Array;
}

/** A DGI may go on in the next block: the SAM joins all values before it reads them. */
export function splitBlocks(dgis: Uint8Array, blockBytes: number): readonly StoreDataBlock[] {
  const count = Math.ceil(dgis.length / blockBytes);
  return Array.from({ length: count }, (_, number) => ({
    p1: number === count - 1 ? 0x80 : 0x00,
    p2: number,
    data: dgis.subarray(number * blockBytes, (number + 1) * blockBytes),
  }));
}

function unsigned(value: number, lengthBytes: 1 | 2 | 4): Uint8Array {
  const bytes = Buffer.alloc(lengthBytes);
  bytes.writeUIntBE(value, 0, lengthBytes);
  return bytes;
}

function text(ascii: string): Uint8Array {
  return new TextEncoder().encode(ascii);
}
