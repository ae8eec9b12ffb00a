/** Visits without a card, history, reconciliation, and the link from card to patient number. */
import { Visit } from '../visit.ts';
import * as messages from './messages.ts';
import { type HttpRoute, INSURED_NUMBER_ERRORS, json, none, STORE_ERRORS } from './route.ts';

export const VISIT_ROUTES = {
  visitByInsuredNumber: {
    method: 'POST',
    path: '/v1/visits/by-insured-number',
    auth: 'operator',
    ja: 'カードなしで、被保険者番号から資格を確認する',
    en: 'Check eligibility by insured number, without a card',
    body: messages.VisitByInsuredNumber,
    answer: json(Visit, 201),
    errors: [...INSURED_NUMBER_ERRORS, ...STORE_ERRORS],
  },
  listVisits: {
    method: 'GET',
    path: '/v1/visits',
    auth: 'operator',
    ja: 'ある日の受付一覧',
    en: 'The visits of one day',
    query: messages.VisitsOfDay,
    answer: json(messages.VisitList),
    errors: [],
  },
  listUnresolved: {
    method: 'GET',
    path: '/v1/visits/unresolved',
    auth: 'operator',
    ja: 'まだ確認が終わっていない受付',
    en: 'Visits with something still open',
    answer: json(messages.UnresolvedList),
    errors: [],
  },
  readVisit: {
    method: 'GET',
    path: '/v1/visits/{visitId}',
    auth: 'operator',
    ja: '受付の記録',
    en: 'One visit',
    params: messages.VisitPath,
    answer: json(Visit),
    errors: ['visit.unknown'],
  },
  reconcile: {
    method: 'POST',
    path: '/v1/visits/{visitId}/reconcile',
    auth: 'operator',
    ja: '未確認の項目を今確認する',
    en: 'Try to close what is open',
    params: messages.VisitPath,
    body: messages.Reconcile,
    answer: json(Visit),
    errors: ['visit.unknown', 'visit.already-resolved', ...INSURED_NUMBER_ERRORS, ...STORE_ERRORS],
  },
  linkPatient: {
    method: 'PUT',
    path: '/v1/patients/{cardId}/link',
    auth: 'operator',
    ja: 'カードIDに患者番号を結びつける',
    en: 'Link a patient number to a card ID',
    params: messages.CardPath,
    body: messages.PatientLink,
    answer: none,
    errors: ['patient.link-conflict', ...INSURED_NUMBER_ERRORS, ...STORE_ERRORS],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
