/** Unlock, roster and revoked cards: the SP's part of the centre. */
import { RosterNonce } from '#contract/centre/roster-change.ts';
import {
  DataKeyRewrapped,
  RevokedCards,
  RosterAnswer,
  SamDisableOrder,
  SamOrders,
  SamUnlockGrant,
} from '#contract/centre/service-provider.ts';
import { type ErrorCode, isSekishoError, SekishoError } from '#contract/errors.ts';
import type { Circuit } from './circuit.ts';
import { askJson } from './json-service.ts';
import type { ServiceProvider } from './ports.ts';

export function makeServiceProvider(circuit: Circuit): ServiceProvider {
  return {
    unlockSam: (message, signal) =>
      askJson(circuit, SamUnlockGrant, { method: 'POST', path: '/v1/sam/unlock', message }, signal),
    orders: (signal) => askJson(circuit, SamOrders, { method: 'GET', path: '/v1/orders' }, signal),
    disableSam: (message, signal) =>
      askJson(circuit, SamDisableOrder, { method: 'POST', path: '/v1/sam/disable', message }, signal),
    rewrapDataKey: (message, signal) =>
      askJson(circuit, DataKeyRewrapped, { method: 'POST', path: '/v1/data-key/rewrap', message }, signal),
    roster: (signal) => askJson(circuit, RosterAnswer, { method: 'GET', path: '/v1/roster' }, signal),
    rosterNonce: (signal) =>
      askJson(circuit, RosterNonce, { method: 'POST', path: '/v1/roster/nonce' }, signal),
    changeRoster: (message, signal) =>
      askJson(circuit, RosterAnswer, { method: 'POST', path: '/v1/roster/changes', message }, signal).catch(
        rethrowRosterRefusal,
      ),
    revokedCards: (signal) =>
      askJson(circuit, RevokedCards, { method: 'GET', path: '/v1/revoked-cards' }, signal),
  };
}

/** What a person can do something about. By the centre's own code for it; the rest stays what it is. */
const ROSTER_REFUSALS: Readonly<Record<string, ErrorCode>> = {
  'roster-outdated': 'roster.outdated',
  'roster-not-administrator': 'operator.role-insufficient',
  'roster-signature-wrong': 'operator.signature-wrong',
  'roster-last-administrator': 'roster.last-administrator',
  'roster-operator-known': 'roster.operator-known',
  'roster-operator-unknown': 'roster.operator-unknown',
  'roster-certificate-wrong': 'operator.certificate-untrusted',
  'roster-full': 'roster.full',
};

function rethrowRosterRefusal(thrown: unknown): never {
  if (!isSekishoError(thrown, 'centre.rejected-request')) throw thrown;
  const code = ROSTER_REFUSALS[String(thrown.context.problem)] ?? 'roster.refused';
  throw new SekishoError(code, { context: thrown.context });
}
