/**
 * The local HTTPS API as data. The server, `/openapi.json` and the test that every route refuses without
 * an operator are all made from this one list. No URL carries a patient number, an insured number or a PIN.
 */
import type { z } from 'zod';
import type { ErrorCode } from './errors.ts';
import { ACCESS_LOG_ROUTES } from './http/access-log-routes.ts';
import { ACCESS_ROUTES } from './http/access-routes.ts';
import { NETWORK_ROUTES } from './http/network-routes.ts';
import { OPERATOR_ROUTES } from './http/operator-routes.ts';
import { PERMIT_ROUTES } from './http/permit-routes.ts';
import { STATUS_ROUTES } from './http/status-routes.ts';
import { TAP_ROUTES } from './http/tap-routes.ts';
import { VISIT_ROUTES } from './http/visit-routes.ts';

export type { HttpAnswer, HttpRoute } from './http/route.ts';

export const ROUTES = {
  ...STATUS_ROUTES,
  ...ACCESS_ROUTES,
  ...ACCESS_LOG_ROUTES,
  ...OPERATOR_ROUTES,
  ...NETWORK_ROUTES,
  ...PERMIT_ROUTES,
  ...TAP_ROUTES,
  ...VISIT_ROUTES,
} as const;

/** Body fields whose bytes never become a string (`api/http/secret-field.ts`). */
export const SECRET_FIELDS = ['pin', 'verificationNumberB', 'attributesPin'] as const;
export type SecretField = (typeof SECRET_FIELDS)[number];

/** What any request can meet; what a request with an operator, or with an administrator, can meet besides. */
export const ERRORS_OF_ANY_REQUEST = [
  'request.too-many',
  'request.timeout',
  'request.overloaded',
  'request.cross-site',
  'internal.bug',
] as const satisfies readonly ErrorCode[];
export const ERRORS_OF_ANY_BODY = [
  'request.malformed',
  'request.invalid',
  'request.too-large',
  'request.unsupported-media',
] as const satisfies readonly ErrorCode[];
export const ERRORS_OF_ANY_OPERATOR = [
  'operator.not-signed-in',
  'operator.session-ended',
] as const satisfies readonly ErrorCode[];

export const ERRORS_OF_ANY_ADMINISTRATOR = [
  ...ERRORS_OF_ANY_OPERATOR,
  'operator.role-insufficient',
] as const satisfies readonly ErrorCode[];

export type RouteId = keyof typeof ROUTES;

type Parsed<R, Key extends string> =
  R extends Readonly<Record<Key, infer S extends z.ZodType>> ? z.output<S> : undefined;

/** What a handler of the route gets, after validation. */
export type ParamsOf<Id extends RouteId> = Parsed<(typeof ROUTES)[Id], 'params'>;
export type QueryOf<Id extends RouteId> = Parsed<(typeof ROUTES)[Id], 'query'>;
export type BodyOf<Id extends RouteId> = Parsed<(typeof ROUTES)[Id], 'body'>;
/** What a JSON route answers. */
export type AnswerOf<Id extends RouteId> = (typeof ROUTES)[Id]['answer'] extends {
  kind: 'json';
  schema: infer S extends z.ZodType;
}
  ? z.output<S>
  : never;
