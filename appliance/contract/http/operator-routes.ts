/** The roster, for administrators: who may work here, and how that is changed with the own card. */
import { z } from 'zod';
import { DisplayName, OperatorRoles } from '../centre/roster-change.ts';
import { Instant } from '../centre/wire.ts';
import { Operator } from '../operator.ts';
import { CARD_AND_PIN_ERRORS } from './access-routes.ts';
import { CardAndPin } from './messages.ts';
import { type HttpRoute, json, STORE_ERRORS } from './route.ts';

const { operatorId, cardKind } = Operator.shape;

export const RosterRow = Operator.extend({ suspended: z.boolean() });
export type RosterRow = z.infer<typeof RosterRow>;

export const Roster = z.strictObject({
  /** Each change makes the next one. */
  version: z.number().int().min(0),
  operators: z.array(RosterRow),
});
export type Roster = z.infer<typeof Roster>;

export const CardReading = z.strictObject({ cardKind });

/** What the certificate on a card says, which lies on the reader; no PIN was needed for it. */
export const StaffCard = z.strictObject({
  operatorId,
  cardKind,
  /** hcRole of an HPKI certificate ("Medical Doctor"); empty for office staff and for My Number Cards. */
  healthcareRoles: z.array(z.string()),
  notAfter: Instant,
  /** It is on the roster already. */
  listed: RosterRow.optional(),
});
export type StaffCard = z.infer<typeof StaffCard>;

export const RosterChange = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('add'),
    /** Of the card that was read. */
    operatorId,
    displayName: DisplayName,
    roles: OperatorRoles,
  }),
  z.strictObject({ action: z.literal('change-roles'), operatorId, roles: OperatorRoles }),
  z.strictObject({ action: z.enum(['suspend', 'reinstate', 'remove']), operatorId }),
]);
export type RosterChange = z.infer<typeof RosterChange>;

export const RosterChangeRequest = z.strictObject({
  /** The version that the administrator saw. */
  baseVersion: z.number().int().min(0),
  change: RosterChange,
  /** The administrator's own card confirms it. */
  ...CardAndPin,
});

const CENTRE_ERRORS = ['centre.unreachable', 'centre.timeout', 'centre.refused'] as const;
const PLACE_ERRORS = ['network.absent', 'network.foreign', 'tap.busy'] as const;

export const OPERATOR_ROUTES = {
  listOperators: {
    method: 'GET',
    path: '/v1/operators',
    auth: 'administrator',
    logs: 'security',
    ja: '職員の名簿（管理者）',
    en: 'The roster (administrators)',
    answer: json(Roster),
    errors: [],
  },
  readStaffCard: {
    method: 'POST',
    path: '/v1/operators/card',
    auth: 'administrator',
    logs: 'security',
    ja: '登録したい職員のカードを読み取る。暗証番号は使わない（管理者）',
    en: 'Read the card of somebody who shall be added; no PIN (administrators)',
    body: CardReading,
    answer: json(StaffCard),
    errors: [
      ...PLACE_ERRORS,
      'operator.certificate-expired',
      'operator.certificate-revoked',
      'operator.certificate-untrusted',
      'card.not-found',
      'card.removed',
      'card.remove-first',
      'card.not-my-number-card',
      'card.not-hpki-card',
      'reader.unreachable',
      'reader.busy',
    ],
  },
  changeRoster: {
    method: 'POST',
    path: '/v1/operators/changes',
    auth: 'administrator',
    logs: 'security',
    ja: '名簿を変更する。自分のカードと暗証番号で確認する（管理者）',
    en: 'Change the roster; the own card and PIN confirm it (administrators)',
    body: RosterChangeRequest,
    answer: json(Roster),
    errors: [
      ...CARD_AND_PIN_ERRORS,
      ...PLACE_ERRORS,
      ...CENTRE_ERRORS,
      ...STORE_ERRORS,
      'operator.wrong-card',
      'roster.outdated',
      'roster.last-administrator',
      'roster.operator-known',
      'roster.operator-unknown',
      'roster.card-not-read',
      'roster.full',
      'roster.refused',
      'sam.absent',
    ],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
