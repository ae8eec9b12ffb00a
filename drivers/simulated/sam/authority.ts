/** What the service provider and operators may order: unlock, roster, disable. @see docs/sam-profile.md §4.4, 4.10, 4.12 */
import { ascii, concat, equal, fromBase64, fromHex, readUint, toBase64, toHex } from '../bytes.ts';
import { refuse, SW } from '../command.ts';
import { sha256 } from '../crypto/hash.ts';
import { importPublicKey, isP384, isRsa2048 } from '../crypto/keys.ts';
import { verifyCardSignature, verifyP256 } from '../crypto/verification.ts';
import { parseSequence, parseTlvs, type Tlv } from '../tlv.ts';
import type { WorkNotes } from '../virtual-card.ts';
import type { Personalisation, RosterEntry } from './state.ts';

const MAX_OPERATORS = 100;
const SUSPENDED = 0x80;
const NETWORK_ID_BYTES = 16;

/** `<object> 9E signature`: the object and its signature. */
function parseSigned(
  data: Uint8Array,
  tag: number,
): { readonly object: Tlv; readonly signature: Uint8Array } {
  const [object, signature, ...others] = parseTlvs(data);
  if (object?.tag !== tag || signature?.tag !== 0x9e || others.length > 0) return refuse(SW.wrongData);
  return { object, signature: signature.value };
}

/** The object, when the service provider signed it complete: tag, length and value. */
function requireSpSignature(data: Uint8Array, tag: number, sam: Personalisation, work: WorkNotes): Tlv {
  const { object, signature } = parseSigned(data, tag);
  work.note('p-256-verify');
  const spKey = importPublicKey(fromBase64(sam.spPublicKey));
  return verifyP256(spKey, object.encoded, signature) ? object : refuse(SW.secureMessagingObjects);
}

function requireBinding(actual: Uint8Array, expected: Uint8Array): void {
  if (!equal(actual, expected)) refuse(SW.secureMessagingObjects);
}

function number(value: Uint8Array, lengthBytes: number): number {
  return value.length === lengthBytes ? readUint(value) : refuse(SW.wrongData);
}

function networkId(value: Uint8Array): Uint8Array {
  return value.length === NETWORK_ID_BYTES ? value : refuse(SW.wrongData);
}

const none = new Uint8Array();

export interface UnlockGrant {
  readonly networkId: Uint8Array;
  readonly usesLeft: number;
  readonly maxTicks: number;
}

export function verifySpUnlock(
  data: Uint8Array,
  challenge: Uint8Array,
  sam: Personalisation,
  work: WorkNotes,
): UnlockGrant {
  const grant = requireSpSignature(data, 0xe1, sam, work);
  const tags = [0x80, 0x81, 0x82, 0x8c, 0x8d, 0x94];
  const [samId = none, signed = none, network = none, uses = none, ticks = none, issuedAt = none] =
    parseSequence(grant.value, tags);
  requireBinding(samId, fromHex(sam.samId));
  requireBinding(signed, challenge);
  if (issuedAt.length !== 8) refuse(SW.wrongData);
  return { networkId: networkId(network), usesLeft: number(uses, 2), maxTicks: number(ticks, 4) };
}

/** An operator's card signs `M2`; its registered key decides the algorithm. */
export function verifyOperatorUnlock(
  data: Uint8Array,
  challenge: Uint8Array,
  sam: Personalisation,
  roster: readonly RosterEntry[],
  work: WorkNotes,
): UnlockGrant {
  const { object, signature } = parseSigned(data, 0xe4);
  const [keyId = none, network = none] = parseSequence(object.value, [0x8b, 0x82]);
  const operator = roster.find((entry) => equal(fromHex(entry.keyId), keyId));
  if (operator === undefined || (operator.roles & SUSPENDED) !== 0) return refuse(SW.referenceNotFound);
  const message = concat(
    ascii('SEKISHO-OFFLINE-UNLOCK-1'),
    fromHex(sam.samId),
    challenge,
    networkId(network),
  );
  const key = importPublicKey(fromBase64(operator.publicKey));
  work.note(isP384(key) ? 'p-384-verify' : 'rsa-2048-public');
  if (!verifyCardSignature(key, message, signature)) return refuse(SW.secureMessagingObjects);
  return { networkId: network, usesLeft: sam.offlineMaxUses, maxTicks: sam.offlineMaxTicks };
}

function isOperatorKey(spki: Uint8Array): boolean {
  try {
    const key = importPublicKey(spki);
    return isRsa2048(key) || isP384(key);
  } catch {
    return false;
  }
}

function parseOperator({ tag, value }: Tlv): RosterEntry {
  if (tag !== 0xe8) return refuse(SW.wrongData);
  const [keyId = none, roles = none, publicKey = none] = parseSequence(value, [0x8b, 0x8f, 0x90]);
  if (!equal(keyId, sha256(publicKey))) refuse(SW.wrongData);
  if (!isOperatorKey(publicKey)) refuse(SW.wrongData);
  return { keyId: toHex(keyId), roles: number(roles, 1), publicKey: toBase64(publicKey) };
}

export interface Roster {
  readonly version: number;
  readonly operators: RosterEntry[];
}

export function verifyRoster(
  data: Uint8Array,
  version: number,
  sam: Personalisation,
  work: WorkNotes,
): Roster {
  const roster = requireSpSignature(data, 0xe3, sam, work);
  const [samId, newVersion, ...operators] = parseTlvs(roster.value);
  if (samId?.tag !== 0x80 || newVersion?.tag !== 0x86 || operators.length > MAX_OPERATORS) {
    return refuse(SW.wrongData);
  }
  requireBinding(samId.value, fromHex(sam.samId));
  const next = number(newVersion.value, 4);
  if (next <= version) return refuse(SW.secureMessagingObjects);
  return { version: next, operators: operators.map(parseOperator) };
}

export function verifyDisable(
  data: Uint8Array,
  challenge: Uint8Array,
  sam: Personalisation,
  work: WorkNotes,
): void {
  const order = requireSpSignature(data, 0xe2, sam, work);
  const [samId = none, signed = none] = parseSequence(order.value, [0x80, 0x81]);
  requireBinding(samId, fromHex(sam.samId));
  requireBinding(signed, challenge);
}
