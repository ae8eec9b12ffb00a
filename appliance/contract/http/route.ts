/** The shape of one route, and the answers and error groups that many routes share. */
import type { z } from 'zod';
import type { ErrorCode } from '../errors.ts';

export type HttpAnswer =
  | { readonly kind: 'json'; readonly status: 200 | 201; readonly schema: z.ZodType }
  | { readonly kind: 'none' }
  | { readonly kind: 'image' }
  | { readonly kind: 'text' }
  /** Server-sent events: each `snapshot` event carries one document of `schema`. */
  | { readonly kind: 'events'; readonly schema: z.ZodType }
  /** JSON without a schema of ours (the OpenAPI document). */
  | { readonly kind: 'document' };

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path parameters in braces, as OpenAPI writes them. */
  readonly path: string;
  /** Who may ask: anybody on the network, whoever is signed in, or an administrator. Enforced in `api/http/sessions.ts`. */
  readonly auth: 'none' | 'operator' | 'administrator';
  /** Whether the access log notes each request, and as what. */
  readonly logs: 'nothing' | 'patient-data' | 'security';
  readonly ja: string;
  readonly en: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  readonly answer: HttpAnswer;
  /** Codes beyond those that any request can meet. */
  readonly errors: readonly ErrorCode[];
}

export const none = { kind: 'none' } as const;
export const image = { kind: 'image' } as const;

interface JsonAnswer<S extends z.ZodType> {
  readonly kind: 'json';
  readonly status: 200 | 201;
  readonly schema: S;
}

export function json<S extends z.ZodType>(schema: S, status: 200 | 201 = 200): JsonAnswer<S> {
  return { kind: 'json', status, schema };
}

export const STORE_ERRORS = [
  'store.full',
  'store.failed',
  'store.letterbox-replaced',
] as const satisfies readonly ErrorCode[];

export const INSURED_NUMBER_ERRORS = [
  'insured-number.check-digit',
  'insured-number.malformed',
] as const satisfies readonly ErrorCode[];
