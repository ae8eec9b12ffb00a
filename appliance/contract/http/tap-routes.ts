/** One tap, from start to face check. */
import type { ErrorCode } from '../errors.ts';
import { TapProgress } from '../snapshot.ts';
import { TapResult, Visit } from '../visit.ts';
import * as messages from './messages.ts';
import { type HttpRoute, image, json, none, STORE_ERRORS } from './route.ts';

const NOT_READY_ERRORS = [
  'network.absent',
  'network.foreign',
  'reader.unreachable',
  'sam.absent',
  'sam.locked',
  'sam.uses-exhausted',
  'sam.disabled',
] as const satisfies readonly ErrorCode[];

const TAP_ERRORS = ['tap.unknown', 'tap.wrong-step'] as const satisfies readonly ErrorCode[];
const LIVING_TAP_ERRORS = [...TAP_ERRORS, 'tap.expired'] as const satisfies readonly ErrorCode[];

export const TAP_ROUTES = {
  startTap: {
    method: 'POST',
    path: '/v1/taps',
    auth: 'operator',
    logs: 'patient-data',
    ja: '受付を始める',
    en: 'Start a tap',
    body: messages.TapStart,
    answer: json(messages.TapStarted, 201),
    errors: ['tap.busy', ...NOT_READY_ERRORS],
  },
  readTap: {
    method: 'GET',
    path: '/v1/taps/{tapId}',
    auth: 'operator',
    logs: 'nothing',
    ja: '受付の進み具合（waitMs で待てる）',
    en: 'Progress of a tap; waits with waitMs',
    params: messages.TapPath,
    query: messages.TapWait,
    answer: json(TapProgress),
    errors: ['tap.unknown'],
  },
  decideConsent: {
    method: 'POST',
    path: '/v1/taps/{tapId}/consent',
    auth: 'operator',
    logs: 'patient-data',
    ja: '患者さんの同意または拒否を記録する',
    en: 'Record that the patient agreed or refused',
    params: messages.TapPath,
    body: messages.ConsentDecision,
    answer: none,
    errors: [...LIVING_TAP_ERRORS, ...STORE_ERRORS],
  },
  readPhoto: {
    method: 'GET',
    path: '/v1/taps/{tapId}/photo',
    auth: 'operator',
    logs: 'patient-data',
    ja: 'カードの顔写真（本人確認の間だけ）',
    en: 'The photo on the card, during the face check only',
    params: messages.TapPath,
    answer: image,
    errors: [...TAP_ERRORS, 'tap.no-photo'],
  },
  readNameImage: {
    method: 'GET',
    path: '/v1/taps/{tapId}/name',
    auth: 'operator',
    logs: 'patient-data',
    ja: 'カードの氏名の画像（本人確認の間だけ）',
    en: 'The name on the card as an image, during the face check only',
    params: messages.TapPath,
    answer: image,
    errors: [...TAP_ERRORS, 'tap.no-photo'],
  },
  readAddressImage: {
    method: 'GET',
    path: '/v1/taps/{tapId}/address',
    auth: 'operator',
    logs: 'patient-data',
    ja: 'カードの住所の画像（本人確認の間だけ）',
    en: 'The address on the card as an image, during the face check only',
    params: messages.TapPath,
    answer: image,
    errors: [...TAP_ERRORS, 'tap.no-photo'],
  },
  recordFaceCheck: {
    method: 'POST',
    path: '/v1/taps/{tapId}/face-check',
    auth: 'operator',
    logs: 'patient-data',
    ja: '本人確認の結果を記録し、受付を終える（初めてのカードなら基本4情報も一度だけ返す）',
    en: 'Record the face check and finish the tap; gives the attributes of a new card, this once',
    params: messages.TapPath,
    body: messages.FaceCheckResult,
    answer: json(TapResult),
    errors: [...LIVING_TAP_ERRORS, ...STORE_ERRORS],
  },
  readVisitOfTap: {
    method: 'GET',
    path: '/v1/taps/{tapId}/visit',
    auth: 'operator',
    logs: 'patient-data',
    ja: '終わった受付の結果',
    en: 'The visit of a finished tap',
    params: messages.TapPath,
    answer: json(Visit),
    errors: [...TAP_ERRORS],
  },
  cancelTap: {
    method: 'DELETE',
    path: '/v1/taps/{tapId}',
    auth: 'operator',
    logs: 'patient-data',
    ja: '受付を取り消す',
    en: 'Cancel the tap',
    params: messages.TapPath,
    answer: none,
    errors: [...TAP_ERRORS],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
