/** Who asked for what, for administrators. */
import { z } from 'zod';
import { Instant } from '../centre/wire.ts';
import { ERROR_CODES } from '../errors.ts';
import { Operator } from '../operator.ts';
import { type HttpRoute, json } from './route.ts';

export const AccessOfDay = z.strictObject({ day: z.iso.date() });

export const AccessList = z.strictObject({
  entries: z.array(
    z.strictObject({
      seq: z.number().int().min(1),
      at: Instant,
      /** Absent: nobody was signed in. */
      operatorId: Operator.shape.operatorId.optional(),
      /** As the roster has it now; absent for who is no longer on it. */
      displayName: z.string().optional(),
      screen: z.string(),
      /** Of the route list (`operationId` of the OpenAPI description). */
      route: z.string(),
      /** The same in words. */
      what: z.strictObject({ ja: z.string(), en: z.string() }),
      /** Of what: the id of a tap, a visit, a card, an operator, or a day. */
      subject: z.string().optional(),
      requestId: z.string(),
      /** Why the request with the same `requestId` was refused. */
      error: z.enum(ERROR_CODES).optional(),
    }),
  ),
});
export type AccessList = z.infer<typeof AccessList>;
/** As the log has it. */
export type AccessListEntry = Omit<AccessList['entries'][number], 'what'>;

export const ACCESS_LOG_ROUTES = {
  readAccessLog: {
    method: 'GET',
    path: '/v1/access-log',
    auth: 'administrator',
    logs: 'security',
    ja: 'ある日の操作の記録（管理者）',
    en: 'Who asked for what on one day (administrators)',
    query: AccessOfDay,
    answer: json(AccessList),
    errors: [],
  },
} as const satisfies Readonly<Record<string, HttpRoute>>;
