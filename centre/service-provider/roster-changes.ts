/**
 * Changes of a roster that an administrator signed with the own card. The SP believes the signature and its own records,
 * and nothing that the appliance says besides.
 */
import { createHash, createPublicKey, randomBytes, verify } from 'node:crypto';
import type { CardKind, RosterChangeOrder, RosterNonce } from '#contract/centre/roster-change.ts';
import { MalformedDer } from '../asn1/tlv.ts';
import type { ProvenDevice } from '../http/device-gate.ts';
import { CentreRefusal } from '../http/problem.ts';
import { keyKind } from '../pki/algorithm.ts';
import { type Certificate, parseCertificate, validatePath } from '../pki/certificate.ts';
import type { RevocationRegister } from '../pki/revocation-register.ts';
import { MAX_OPERATORS, type OperatorRecord, type Registry } from './registry.ts';
import type { RosterLog } from './roster-log.ts';
import { parseRosterMessage, type RosterMessage } from './roster-message.ts';

export interface RosterChanges {
  nonce(device: ProvenDevice): RosterNonce;
  /** Makes the next version, or throws a refusal and changes nothing but the nonce, which is spent. */
  apply(device: ProvenDevice, order: RosterChangeOrder): void;
}

export interface RosterChangeParts {
  readonly registry: Registry;
  readonly rosterLog: RosterLog;
  readonly revocations: RevocationRegister;
  readonly nowMs: () => number;
}

export type OperatorAuthorities = Readonly<Record<CardKind, readonly Certificate[]>>;

/** Long enough for a PIN, short enough that nobody signs today what is sent next week. */
const NONCE_MS = 300_000;
const NONCE_BYTES = 32;

export function createRosterChanges(
  parts: RosterChangeParts,
  authorities: OperatorAuthorities,
): RosterChanges {
  const { registry, rosterLog, nowMs } = parts;
  return {
    nonce({ samId, institutionCode }) {
      const nonce = randomBytes(NONCE_BYTES);
      rosterLog.putNonce(samId, nonce, nowMs() + NONCE_MS);
      return { nonce: nonce.toString('hex'), version: registry.roster(institutionCode).version };
    },
    apply(device, order) {
      const message = Buffer.from(order.message, 'base64');
      const change = parseRosterMessage(message);
      if (change.samId !== device.samId || change.institutionCode !== device.institutionCode) {
        throw new CentreRefusal('message-invalid', 'The change was signed for another device.');
      }
      // Outside the transaction: a refusal undoes everything in it, and a nonce that was used stays used.
      const isFresh = rosterLog.spendNonce(device.samId, change.nonce, nowMs());
      registry.transaction(() => {
        const { version, operators } = registry.roster(device.institutionCode);
        requireSigned(operators, order, message);
        if (!isFresh || change.baseVersion !== version) {
          throw new CentreRefusal(
            'roster-outdated',
            'The roster has changed, or the nonce is not the newest.',
          );
        }
        const next = nextOperator(parts, authorities, operators, change, order);
        if (next === undefined) registry.removeOperator(device.institutionCode, change.keyId);
        else registry.putOperator(device.institutionCode, next);
        requireAdministrator(registry.roster(device.institutionCode).operators);
        rosterLog.append(device.institutionCode, {
          version: version + 1,
          administrator: order.administrator,
          message,
          signature: Buffer.from(order.signature, 'base64'),
          atMs: nowMs(),
        });
      });
    },
  };
}

function isActiveAdministrator({ suspended, roles }: OperatorRecord): boolean {
  return !suspended && roles.includes('administrator');
}

function requireSigned(
  operators: readonly OperatorRecord[],
  { administrator, signature }: RosterChangeOrder,
  message: Buffer,
): void {
  const signer = operators.find(({ keyId }) => keyId === administrator);
  if (signer === undefined || !isActiveAdministrator(signer)) {
    throw new CentreRefusal('roster-not-administrator', 'The signer is no administrator of this roster.');
  }
  const key = createPublicKey({ key: Buffer.from(signer.publicKey), format: 'der', type: 'spki' });
  const isRsa = key.asymmetricKeyType === 'rsa';
  const isGood = isRsa
    ? verify('sha256', message, key, Buffer.from(signature, 'base64'))
    : verify('sha384', message, { key, dsaEncoding: 'ieee-p1363' }, Buffer.from(signature, 'base64'));
  if (!isGood) throw new CentreRefusal('roster-signature-wrong', 'The signature over the change is wrong.');
}

/** Nobody could add anybody any more. */
function requireAdministrator(operators: readonly OperatorRecord[]): void {
  if (operators.some(isActiveAdministrator)) return;
  throw new CentreRefusal('roster-last-administrator', 'A roster keeps at least one active administrator.');
}

/** The row as it shall be; undefined = removed. */
function nextOperator(
  parts: RosterChangeParts,
  authorities: OperatorAuthorities,
  operators: readonly OperatorRecord[],
  change: RosterMessage,
  { added }: RosterChangeOrder,
): OperatorRecord | undefined {
  const known = operators.find(({ keyId }) => keyId === change.keyId);
  if (change.action === 'add') {
    if (known !== undefined) throw new CentreRefusal('roster-operator-known', 'The card is on the roster.');
    if (operators.length >= MAX_OPERATORS) throw new CentreRefusal('roster-full', 'The roster is full.');
    return addedOperator(parts, authorities, change, added);
  }
  if (added !== undefined) throw new CentreRefusal('message-invalid', 'Nobody is added by this change.');
  if (known === undefined)
    throw new CentreRefusal('roster-operator-unknown', 'The card is not on the roster.');
  switch (change.action) {
    case 'suspend':
      return { ...known, suspended: true };
    case 'reinstate':
      return { ...known, suspended: false };
    case 'change-roles':
      return { ...known, roles: change.roles };
    case 'remove':
      return undefined;
  }
}

function addedOperator(
  { revocations, nowMs }: RosterChangeParts,
  authorities: OperatorAuthorities,
  { keyId, cardKind, roles, nameHash }: RosterMessage,
  added: RosterChangeOrder['added'],
): OperatorRecord {
  if (added === undefined || cardKind === undefined)
    throw new CentreRefusal('message-invalid', 'Who is added has a name and a certificate.');
  if (createHash('sha256').update(added.displayName, 'utf8').digest('hex') !== nameHash)
    throw new CentreRefusal('message-invalid', 'The name is not the one that was signed.');
  const wrong = new CentreRefusal('roster-certificate-wrong', 'The certificate on the card is not accepted.');
  const certificate = parseCard(added.certificate, wrong);
  const path = validatePath(certificate, authorities[cardKind], nowMs());
  const isRevoked = path.ok && revocations.find(path.issuer.keyId, certificate.serial) !== undefined;
  const isKnownKind = ['rsa-2048', 'p-384'].includes(keyKind(certificate.publicKey) ?? '');
  if (!path.ok || isRevoked || !isKnownKind) throw wrong;
  if (createHash('sha256').update(certificate.spki).digest('hex') !== keyId) throw wrong;
  const { displayName } = added;
  return { keyId, publicKey: certificate.spki, displayName, roles, suspended: false, cardKind };
}

function parseCard(base64: string, wrong: CentreRefusal): Certificate {
  try {
    return parseCertificate(Buffer.from(base64, 'base64'));
  } catch (thrown) {
    throw thrown instanceof MalformedDer ? wrong : thrown;
  }
}
