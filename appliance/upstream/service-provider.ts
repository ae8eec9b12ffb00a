/** Unlock, roster and revoked cards: the SP's part of the centre. */
import {
  DataKeyRewrapped,
  RevokedCards,
  RosterAnswer,
  SamUnlockGrant,
} from '#contract/centre/service-provider.ts';
import type { Circuit } from './circuit.ts';
import { askJson } from './json-service.ts';
import type { ServiceProvider } from './ports.ts';

export function makeServiceProvider(circuit: Circuit): ServiceProvider {
  return {
    unlockSam: (message, signal) =>
      askJson(circuit, SamUnlockGrant, { method: 'POST', path: '/v1/sam/unlock', message }, signal),
    rewrapDataKey: (message, signal) =>
      askJson(circuit, DataKeyRewrapped, { method: 'POST', path: '/v1/data-key/rewrap', message }, signal),
    roster: (signal) => askJson(circuit, RosterAnswer, { method: 'GET', path: '/v1/roster' }, signal),
    revokedCards: (signal) =>
      askJson(circuit, RevokedCards, { method: 'GET', path: '/v1/revoked-cards' }, signal),
  };
}
