/** OpenAPI 3.1 from the route list. @see https://spec.openapis.org/oas/v3.1.1 */
import { z } from 'zod';
import { InsuredNumber, Qualification } from '#contract/centre/eligibility.ts';
import { ERROR_CODES, ERRORS, type ErrorCode } from '#contract/errors.ts';
import { Problem, Session } from '#contract/http/messages.ts';
import { Roster } from '#contract/http/operator-routes.ts';
import { STORE_ERRORS } from '#contract/http/route.ts';
import {
  ERRORS_OF_ANY_ADMINISTRATOR,
  ERRORS_OF_ANY_BODY,
  ERRORS_OF_ANY_OPERATOR,
  ERRORS_OF_ANY_REQUEST,
  type HttpRoute,
  ROUTES,
  type RouteId,
} from '#contract/http.ts';
import { Operator } from '#contract/operator.ts';
import { GatewaySnapshot, TapProgress } from '#contract/snapshot.ts';
import { EligibilityView, FaceCheck, UnresolvedVisit, Visit } from '#contract/visit.ts';

type Json = Readonly<Record<string, unknown>>;

/** Documents that have a name of their own; bodies and answers of one route are named after it. */
const DOCUMENTS = {
  EligibilityView,
  FaceCheck,
  GatewaySnapshot,
  InsuredNumber,
  Operator,
  Problem,
  Qualification,
  Roster,
  Session,
  TapProgress,
  UnresolvedVisit,
  Visit,
} as const;

const ERRORS_BY_AUTH: Readonly<Record<HttpRoute['auth'], readonly ErrorCode[]>> = {
  none: [],
  operator: ERRORS_OF_ANY_OPERATOR,
  administrator: ERRORS_OF_ANY_ADMINISTRATOR,
};

const reference = (name: string): string => `#/components/schemas/${name}`;

export function describeApi(version: string): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const [id, route] of Object.entries<HttpRoute>(ROUTES)) {
    paths[route.path] ??= {};
    Object.assign(paths[route.path] as object, {
      [route.method.toLowerCase()]: describeOperation(id, route),
    });
  }
  return {
    openapi: '3.1.1',
    info: {
      title: 'Sekisho',
      version,
      summary: '関所: 受付の装置のローカル API / local API of the clinic appliance',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: describeSchemas(),
      securitySchemes: { operator: { type: 'apiKey', in: 'cookie', name: '__Host-sekisho' } },
    },
  };
}

function describeOperation(id: string, route: HttpRoute): Json {
  return {
    operationId: id,
    summary: route.en,
    description: route.ja,
    security: route.auth === 'none' ? [] : [{ operator: [] }],
    parameters: [...describeParameters(route.params, 'path'), ...describeParameters(route.query, 'query')],
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            content: { 'application/json': { schema: { $ref: reference(nameOf(id, 'Body')) } } },
          },
        }),
    responses: { ...describeAnswer(id, route), ...describeErrors(route) },
  };
}

function describeParameters(schema: z.ZodObject | undefined, place: 'path' | 'query'): readonly Json[] {
  return Object.entries(schema?.shape ?? {}).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !(field as z.ZodType).safeParse(undefined).success,
    schema: withoutDialect(z.toJSONSchema(field as z.ZodType, { io: 'input', unrepresentable: 'any' })),
  }));
}

function describeAnswer(id: string, { answer, en }: HttpRoute): Json {
  const content = (mediaType: string, schema: Json): Json => ({
    description: en,
    content: { [mediaType]: { schema } },
  });
  switch (answer.kind) {
    case 'json':
      return {
        [answer.status]: content('application/json', { $ref: reference(answerName(id, answer.schema)) }),
      };
    case 'events':
      return { 200: content('text/event-stream', { type: 'string' }) };
    case 'image':
      return { 200: content('image/png', {}) };
    case 'text':
      return { 200: content('text/plain', { type: 'string' }) };
    case 'document':
      return { 200: content('application/json', { type: 'object' }) };
    case 'none':
      return { 204: { description: en } };
  }
}

function describeErrors(route: HttpRoute): Json {
  const codes = new Set<ErrorCode>([
    ...ERRORS_OF_ANY_REQUEST,
    ...((route.body ?? route.params ?? route.query) ? ERRORS_OF_ANY_BODY : []),
    ...ERRORS_BY_AUTH[route.auth],
    ...(route.logs === 'nothing' ? [] : STORE_ERRORS),
    ...route.errors,
  ]);
  const statuses = [...new Set([...codes].map((code) => ERRORS[code].http))].toSorted();
  return Object.fromEntries(
    statuses.map((status) => {
      const rows = ERROR_CODES.filter((code) => codes.has(code) && ERRORS[code].http === status);
      const description = rows.map((code) => `\`${code}\` ${ERRORS[code].en.title}`).join(' ');
      const schema = { $ref: reference('Problem') };
      return [status, { description, content: { 'application/problem+json': { schema } } }];
    }),
  );
}

const nameOf = (id: string, part: 'Body' | 'Answer'): string =>
  id.charAt(0).toUpperCase() + id.slice(1) + part;

function documentName(schema: z.ZodType): string | undefined {
  return Object.entries<z.ZodType>(DOCUMENTS).find(([, document]) => document === schema)?.[0];
}

function answerName(id: string, schema: z.ZodType): string {
  return documentName(schema) ?? nameOf(id, 'Answer');
}

function describeSchemas(): Json {
  const answers = z.registry<{ id: string }>();
  const bodies = z.registry<{ id: string }>();
  for (const [id, document] of Object.entries<z.ZodType>(DOCUMENTS)) answers.add(document, { id });
  for (const [id, route] of Object.entries<HttpRoute>(ROUTES) as [RouteId, HttpRoute][]) {
    if (route.answer.kind === 'json' && documentName(route.answer.schema) === undefined) {
      answers.add(route.answer.schema, { id: nameOf(id, 'Answer') });
    }
    if (route.body !== undefined) bodies.add(route.body, { id: nameOf(id, 'Body') });
  }
  return { ...toSchemas(answers, 'output'), ...toSchemas(bodies, 'input') };
}

function toSchemas(registry: z.core.$ZodRegistry<{ id: string }>, io: 'input' | 'output'): Json {
  const { schemas } = z.toJSONSchema(registry, { uri: reference, io });
  return Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, withoutDialect(schema)]));
}

/** The dialect is OpenAPI's own, and `$id` would change what `$ref` means. */
function withoutDialect({ $schema: _dialect, $id: _id, ...schema }: Json): Json {
  return schema;
}
