/** Leave for a home visit. Granted and running permits stand in the snapshot (`carryOut`). */
import { z } from 'zod';
import { Instant } from '../centre/wire.ts';
import { Operator } from '../operator.ts';
import { CarryOutStatus } from '../permit.ts';
import { CARD_AND_PIN_ERRORS } from './access-routes.ts';
import { CardAndPin } from './messages.ts';
import { type HttpRoute, json, none, STORE_ERRORS } from './route.ts';

/** The longest and most that a permit can say at all; the broker's own limits are narrower (`docs/config.md`). */
const MAX_USES = 1_000;
const MAX_OPERATORS = 16;

export const PermitRequest = z.strictObject({
  until: Instant,
  /** Uses of the organisation key: patients, and tries that came to nothing. */
  maxUses: z.number().int().min(1).max(MAX_USES),
  /** Whose cards open the appliance away from home. */
  operators: z
    .array(Operator.shape.operatorId)
    .min(1)
    .max(MAX_OPERATORS)
    .refine((ids) => new Set(ids).size === ids.length),
  /** The administrator's own card signs it. */
  ...CardAndPin,
});

export const PERMIT_ROUTES = {
  grantPermit: {
    method: 'POST',
    path: '/v1/permit',
    auth: 'administrator',
    logs: 'security',
    ja: '持ち出しを許可する。自分のカードと暗証番号で署名する（管理者）',
    en: 'Grant leave for a home visit; the own card and PIN sign it (administrators)',
    body: PermitRequest,
    answer: json(CarryOutStatus, 201),
    errors: [
      ...CARD_AND_PIN_ERRORS,
      ...STORE_ERRORS,
      'operator.wrong-card',
      'network.absent',
      'network.foreign',
      'tap.busy',
      'sam.absent',
      'permit.rejected',
      'permit.none',
    ],
  },
  endPermit: {
    method: 'DELETE',
    path: '/v1/permit',
    auth: 'operator',
    logs: 'security',
    ja: '持ち出しの許可を終わらせる',
    en: 'End the leave',
    answer: none,
    errors: ['permit.none', 'sam.absent', ...STORE_ERRORS],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
