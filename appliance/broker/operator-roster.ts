/** The operators that the SP signed for this SAM: the same object that the SAM gets. @see docs/sam-profile.md 4.10 */
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { toHex } from '#card/bytes.ts';
import { parseTlvs, type Tlv } from '#card/tlv.ts';
import { SekishoError } from '#contract/errors.ts';

export interface OperatorKey {
  /** SHA-256 of the DER SubjectPublicKeyInfo, hex. */
  readonly keyId: string;
  readonly key: KeyObject;
  readonly isSuspended: boolean;
  readonly isAdministrator: boolean;
}

export interface OperatorRoster {
  readonly version: number;
  readonly operators: ReadonlyMap<string, OperatorKey>;
}

const TAG = {
  roster: 0xe3,
  operator: 0xe8,
  samId: 0x80,
  version: 0x86,
  keyId: 0x8b,
  roles: 0x8f,
  publicKey: 0x90,
  signature: 0x9e,
} as const;
const MAX_OPERATORS = 100;
const SUSPENDED = 0x80;
const ADMINISTRATOR = 0x01;

/** `update` is E3 ‖ 9E. Throws `sam.roster-rejected` unless the SP signed it for this SAM (16 hex digits). */
export function readRoster(update: Uint8Array, spKey: KeyObject, samId: string): OperatorRoster {
  const { roster, signature } = objects(update, ['roster', 'signature']);
  if (!verify('sha256', roster.bytes, spKey, signature.value)) throw rejected('signature');
  const [id, version, ...operators] = tlvs(roster.value);
  if (id?.tag !== TAG.samId || toHex(id.value) !== samId) throw rejected('samId');
  if (version?.tag !== TAG.version || version.value.length !== 4) throw rejected('version');
  if (operators.length > MAX_OPERATORS) throw rejected('operators');
  const keys = operators.map(readOperator);
  const byId = new Map(keys.map((each) => [each.keyId, each]));
  if (byId.size !== keys.length) throw rejected('operator twice');
  return { version: Buffer.from(version.value).readUInt32BE(), operators: byId };
}

function readOperator(operator: Tlv): OperatorKey {
  if (operator.tag !== TAG.operator) throw rejected('operator');
  const { keyId: id, roles, publicKey } = objects(operator.value, ['keyId', 'roles', 'publicKey']);
  const keyId = toHex(id.value);
  if (createHash('sha256').update(publicKey.value).digest('hex') !== keyId) throw rejected('keyId');
  const [bits, ...more] = roles.value;
  if (bits === undefined || more.length > 0) throw rejected('roles');
  return {
    keyId,
    key: keyOf(publicKey.value),
    isSuspended: (bits & SUSPENDED) !== 0,
    isAdministrator: (bits & ADMINISTRATOR) !== 0,
  };
}

function keyOf(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({ key: Buffer.from(spki), type: 'spki', format: 'der' });
  } catch (cause) {
    throw rejected('publicKey', cause);
  }
}

/** Exactly these objects, in this order. */
function objects<const Names extends readonly (keyof typeof TAG)[]>(
  bytes: Uint8Array,
  names: Names,
): { readonly [Name in Names[number]]: Tlv } {
  const found = tlvs(bytes);
  if (found.length !== names.length) throw rejected('objects');
  const entries = names.map((name, index) => {
    if (found[index]?.tag !== TAG[name]) throw rejected(name);
    return [name, found[index]];
  });
  return Object.fromEntries(entries);
}

function tlvs(bytes: Uint8Array): readonly Tlv[] {
  try {
    return parseTlvs(bytes);
  } catch (cause) {
    throw rejected('TLV', cause);
  }
}

function rejected(what: string, cause?: unknown): SekishoError {
  return new SekishoError('sam.roster-rejected', { context: { what }, cause });
}
