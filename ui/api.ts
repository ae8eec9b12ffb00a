/** The page's way to the appliance: same origin, JSON, and problems as typed errors. */
import type { ErrorCode } from '#contract/errors.ts';
import type { AccessList } from '#contract/http/access-log-routes.ts';
import type { Session, TapStarted } from '#contract/http/messages.ts';
import type { Roster, RosterChange, StaffCard } from '#contract/http/operator-routes.ts';
import type { CarryOutStatus } from '#contract/permit.ts';
import type { TapResult, UnresolvedVisit, Visit } from '#contract/visit.ts';

/** What a screen needs of a problem document; the words come from the page's own copy of the table. */
export interface PageProblem {
  readonly code: ErrorCode;
  readonly field?: string;
  readonly triesLeft?: number;
  readonly requestId?: string;
}

/** The appliance refused and said why. */
export class RefusedError extends Error {
  readonly problem: PageProblem;

  constructor(problem: PageProblem) {
    super(problem.code);
    this.problem = problem;
  }
}

async function call(method: string, path: string, body?: unknown): Promise<Response> {
  const response = await fetch(path, {
    method,
    ...(body === undefined
      ? {}
      : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }),
  });
  if (!response.ok) throw new RefusedError((await response.json()) as PageProblem);
  return response;
}

async function ask<T>(method: string, path: string, body?: unknown): Promise<T> {
  return (await call(method, path, body)).json() as Promise<T>;
}

async function tell(method: string, path: string, body?: unknown): Promise<void> {
  await call(method, path, body);
}

export interface CardAndPin {
  readonly cardKind: 'hpki' | 'my-number';
  /** Absent: entered on the keys of the box. */
  readonly pin?: string;
  readonly acceptLastTry: boolean;
}

export interface InsuredForm {
  readonly InsurerNumber: string;
  readonly InsuredCardSymbol?: string;
  readonly InsuredIdentificationNumber: string;
  readonly InsuredBranchNumber?: string;
  readonly Birthdate: string;
}

export interface TapForm {
  readonly includeLimitInfo: boolean;
  readonly verificationNumberB?: string;
  readonly attributesPin?: string;
}

export interface PermitTerms {
  readonly until: string;
  readonly maxUses: number;
  readonly operators: readonly string[];
}

export const api = {
  grantPermit: (terms: PermitTerms, own: CardAndPin): Promise<CarryOutStatus> =>
    ask('POST', '/v1/permit', { ...terms, ...own, screen: 'counter' }),
  endPermit: (): Promise<void> => tell('DELETE', '/v1/permit'),
  session: (): Promise<Session> => ask('GET', '/v1/session'),
  signIn: (card: CardAndPin): Promise<Session> => ask('POST', '/v1/session', { ...card, screen: 'counter' }),
  signOut: (): Promise<void> => tell('DELETE', '/v1/session'),
  unlockOnline: (): Promise<void> => tell('POST', '/v1/sam/unlock', { mode: 'online' }),
  unlockOffline: (card: CardAndPin): Promise<void> =>
    tell('POST', '/v1/sam/unlock', { mode: 'offline', ...card, screen: 'counter' }),
  startTap: (form: TapForm): Promise<TapStarted> =>
    ask('POST', '/v1/taps', { purpose: 'insurance-eligibility', ...form }),
  decideConsent: (tapId: string, decision: 'ok' | 'refused'): Promise<void> =>
    tell('POST', `/v1/taps/${tapId}/consent`, { decision }),
  cancelTap: (tapId: string): Promise<void> => tell('DELETE', `/v1/taps/${tapId}`),
  image: async (tapId: string, part: 'photo' | 'name' | 'address'): Promise<Blob> =>
    (await call('GET', `/v1/taps/${tapId}/${part}`)).blob(),
  recordFaceCheck: (
    tapId: string,
    method: 'card-photo' | 'printed-photo',
    result: 'match' | 'mismatch',
  ): Promise<TapResult> => ask('POST', `/v1/taps/${tapId}/face-check`, { method, result }),
  visitOfTap: (tapId: string): Promise<Visit> => ask('GET', `/v1/taps/${tapId}/visit`),
  visitByInsuredNumber: (insured: InsuredForm, patientNumber: string | undefined): Promise<Visit> =>
    ask('POST', '/v1/visits/by-insured-number', {
      insured,
      ...(patientNumber === undefined ? {} : { patientNumber }),
    }),
  linkPatient: (cardId: string, patientNumber: string): Promise<void> =>
    tell('PUT', `/v1/patients/${encodeURIComponent(cardId)}/link`, { patientNumber }),
  visit: (visitId: string): Promise<Visit> => ask('GET', `/v1/visits/${visitId}`),
  visitsOfDay: async (day: string): Promise<readonly Visit[]> =>
    (await ask<{ visits: Visit[] }>('GET', `/v1/visits?day=${day}`)).visits,
  unresolved: async (): Promise<readonly UnresolvedVisit[]> =>
    (await ask<{ visits: UnresolvedVisit[] }>('GET', '/v1/visits/unresolved')).visits,
  reconcile: (visitId: string): Promise<Visit> => ask('POST', `/v1/visits/${visitId}/reconcile`, {}),
  roster: (): Promise<Roster> => ask('GET', '/v1/operators'),
  readStaffCard: (cardKind: 'hpki' | 'my-number'): Promise<StaffCard> =>
    ask('POST', '/v1/operators/card', { cardKind }),
  changeRoster: (baseVersion: number, change: RosterChange, own: CardAndPin): Promise<Roster> =>
    ask('POST', '/v1/operators/changes', { baseVersion, change, ...own, screen: 'counter' }),
  accessLog: (day: string): Promise<AccessList> => ask('GET', `/v1/access-log?day=${day}`),
} as const;
