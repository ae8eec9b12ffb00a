/** The routes on Express, and the only file that names it: parse, authenticate, hand over, map errors. */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import express, { type Request, type Response } from 'express';
import type { z } from 'zod';
import { ERRORS, SekishoError, toSekishoError } from '#contract/errors.ts';
import { type HttpAnswer, type HttpRoute, ROUTES, type RouteId } from '#contract/http.ts';
import type { AccessNote, BrowserImage, Caller } from '#gateway/face.ts';
import type { Clock } from '#ports/clock.ts';
import type { Logger } from '#ports/logger.ts';
import type { Random } from '#ports/random.ts';
import { chooseLanguage, describeProblem, PROBLEM_MEDIA_TYPE, retryAfterSeconds } from '../problem.ts';
import { noting } from './access-noting.ts';
import { readJsonBody, refuseBody } from './body.ts';
import { refuseCrossSite, setSecurityHeaders } from './browser-rules.ts';
import type { Call, Handlers } from './call.ts';
import type { SnapshotStreams } from './events.ts';
import type { RequestMetrics } from './metrics.ts';
import { recogniseScreen } from './screen-cookie.ts';
import { type Secrets, wipeSecrets } from './secret-field.ts';
import type { Sessions } from './sessions.ts';
import type { StaticFile } from './static-files.ts';

export interface ApplicationParts {
  readonly handlers: Handlers;
  readonly sessions: Sessions;
  /** Into the access log. Throws `store.*`. */
  readonly note: (note: AccessNote) => void;
  readonly streams: SnapshotStreams;
  readonly staticFiles: ReadonlyMap<string, StaticFile>;
  readonly takeToken: (client: string) => void;
  readonly metrics: RequestMetrics;
  readonly maxBodyBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

export function createApplication(parts: ApplicationParts): RequestListener {
  const application = express();
  application.disable('x-powered-by');
  application.disable('etag');
  application.enable('case sensitive routing');
  application.enable('strict routing');

  application.use((request: Request, response: Response, next: () => void) => {
    open(parts, request, response);
    parts.takeToken(request.socket.remoteAddress ?? '');
    refuseCrossSite(request);
    next();
  });
  for (const [id, route] of Object.entries<HttpRoute>(ROUTES) as [RouteId, HttpRoute][]) {
    const verb = route.method.toLowerCase() as Lowercase<HttpRoute['method']>;
    application[verb](expressPath(route.path), (request: Request, response: Response) => {
      response.locals.route = `${route.method} ${route.path}`;
      return answerRoute(parts, id, route, request, response);
    });
  }
  for (const [path, methods] of methodsByPath()) {
    application.all(expressPath(path), (_request: Request, response: Response) => {
      response.setHeader('Allow', methods.join(', '));
      throw new SekishoError('request.method-not-allowed');
    });
  }
  application.use((request: Request, response: Response) =>
    sendStaticFile(parts.staticFiles, request, response),
  );
  application.use((thrown: unknown, request: Request, response: Response, _next: () => void) =>
    sendProblem(parts.logger, fromExpress(thrown), request, response),
  );
  return application as unknown as RequestListener;
}

function expressPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

function methodsByPath(): ReadonlyMap<string, readonly string[]> {
  const methods = new Map<string, string[]>();
  for (const { method, path } of Object.values<HttpRoute>(ROUTES)) {
    const verbs = method === 'GET' ? ['GET', 'HEAD'] : [method];
    methods.set(path, [...(methods.get(path) ?? []), ...verbs]);
  }
  return methods;
}

/** Gives the request its id and clock, and writes the one access line when it is answered. */
function open(
  { random, clock, metrics, logger }: ApplicationParts,
  request: Request,
  response: Response,
): void {
  const requestId = Buffer.from(random.bytes(8)).toString('hex');
  const startedMs = clock.monotonicMs();
  response.locals.requestId = requestId;
  response.locals.route = 'none';
  setSecurityHeaders(response);
  response.setHeader('X-Request-Id', requestId);
  response.on('close', () => {
    const { route, operatorId } = response.locals;
    const ms = Math.round(clock.monotonicMs() - startedMs);
    metrics.countRequest(route, response.statusCode, ms / 1_000);
    // The route's pattern and never the URL: a URL is the caller's text.
    logger.debug('http.answered', {
      requestId,
      route,
      status: response.statusCode,
      ms,
      operatorId,
      method: request.method,
    });
  });
}

async function answerRoute(
  parts: ApplicationParts,
  id: RouteId,
  route: HttpRoute,
  request: Request,
  response: Response,
): Promise<void> {
  const caller =
    route.auth === 'none' ? undefined : parts.sessions.authenticate(request.headers.cookie, route.auth);
  response.locals.operatorId = caller?.operatorId;
  response.locals.caller = caller;
  const params = check(route.params, request.params, '');
  const query = check(route.query, request.query, '');
  if (route.body === undefined) refuseBody(request);
  if (id === 'streamSnapshots') {
    if (request.method === 'HEAD') throw new SekishoError('request.method-not-allowed');
    parts.streams.attach(response, request.socket.remoteAddress ?? '');
    return;
  }
  const { value, secrets } =
    route.body === undefined
      ? { value: undefined, secrets: new Map() as Secrets }
      : await readJsonBody(request, parts.maxBodyBytes);
  try {
    const body = check(route.body, value, '/');
    const call = { params, query, body, caller, ...callControls(parts, request, response, secrets) };
    // The list ties handler and call by id; only here, where both come from the list, the tie is by trust.
    const handle = parts.handlers[id] as (call: Call<never>) => unknown;
    const { requestId } = response.locals;
    const noted = { id, route, requestId, params, query, body, caller: () => response.locals.caller };
    const result = await noting(parts.note, noted, () => handle(call as unknown as Call<never>));
    sendAnswer(route.answer, result, response);
  } finally {
    wipeSecrets(secrets);
  }
}

type Controls = Pick<Call<RouteId>, 'client' | 'secret' | 'signal' | 'openSession' | 'endSession'>;

function callControls(
  { sessions, random }: ApplicationParts,
  request: Request,
  response: Response,
  secrets: Secrets,
): Controls {
  const gone = new AbortController();
  response.on('close', () => {
    // Whoever has the whole answer has not gone.
    if (!response.writableFinished) gone.abort(new SekishoError('tap.cancelled'));
  });
  return {
    signal: gone.signal,
    client() {
      const { client, cookie } = recogniseScreen(request.headers.cookie, random);
      if (cookie !== undefined) response.setHeader('Set-Cookie', cookie);
      return client;
    },
    secret(field) {
      const bytes = secrets.get(field);
      if (bytes === undefined) throw new SekishoError('request.malformed', { field: `/${field}` });
      return bytes;
    },
    openSession({ operator }, screen) {
      const screenCookie = response.getHeader('Set-Cookie');
      const caller: Caller = { operatorId: operator.operatorId, screen };
      response.locals.caller = caller;
      const session = sessions.open(caller);
      response.setHeader(
        'Set-Cookie',
        screenCookie === undefined ? session : [session, String(screenCookie)],
      );
    },
    endSession() {
      response.setHeader('Set-Cookie', sessions.end());
    },
  };
}

/** `prefix` makes body fields JSON pointers and leaves parameters plain names. */
function check(schema: z.ZodType | undefined, value: unknown, prefix: '' | '/'): unknown {
  if (schema === undefined) return undefined;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const keys = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]] : (issue?.path ?? []);
  const field = prefix + keys.join('/');
  // Repeats a name, never a value: what a client calls its fields could still be a number of somebody.
  throw new SekishoError('request.invalid', /^[/A-Za-z]{1,80}$/.test(field) ? { field } : {});
}

function sendAnswer(answer: HttpAnswer, result: unknown, response: Response): void {
  switch (answer.kind) {
    case 'none':
      response.status(204).end();
      return;
    case 'image': {
      const { mediaType, bytes } = result as BrowserImage;
      response.type(mediaType).send(Buffer.from(bytes));
      return;
    }
    case 'text':
      response.type('text/plain; version=0.0.4; charset=utf-8').send(result);
      return;
    case 'json':
      sendJson(response, answer.status, result);
      return;
    case 'document':
      sendJson(response, 200, result);
      return;
    case 'events':
      return;
  }
}

/** Express' own way negotiates what was settled long ago: it costs more than the JSON. */
function sendJson(response: ServerResponse, status: number, result: unknown): void {
  const bytes = Buffer.from(JSON.stringify(result));
  response.statusCode = status;
  response.setHeader('Content-Type', 'application/json; charset=utf-8');
  response.setHeader('Content-Length', bytes.length);
  response.end(bytes);
}

function sendStaticFile(files: ReadonlyMap<string, StaticFile>, request: Request, response: Response): void {
  const file = files.get(request.path);
  if (file === undefined) throw new SekishoError('request.unknown-route');
  if (request.method !== 'GET' && request.method !== 'HEAD')
    throw new SekishoError('request.method-not-allowed');
  response.locals.route = 'GET static';
  response.setHeader('Cache-Control', 'no-cache');
  response.setHeader('ETag', file.etag);
  if (request.headers['if-none-match'] === file.etag) response.status(304).end();
  else response.type(file.mediaType).send(file.bytes);
}

/** Express itself throws only for a path that cannot be decoded. */
function fromExpress(thrown: unknown): SekishoError {
  return thrown instanceof URIError ? new SekishoError('request.malformed') : toSekishoError(thrown);
}

function sendProblem(
  logger: Logger,
  error: SekishoError,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { requestId, route } = (response as Response).locals;
  const level = error.code === 'internal.bug' ? 'error' : 'info';
  logger[level]('http.refused', { requestId, route, code: error.code, error });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const language = chooseLanguage(request.headers['accept-language']);
  const retryAfter = retryAfterSeconds(error);
  response.statusCode = ERRORS[error.code].http;
  response.setHeader('Content-Type', PROBLEM_MEDIA_TYPE);
  response.setHeader('Content-Language', language);
  response.setHeader('Vary', 'Accept-Language');
  if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
  // An unread rest of a body would be taken for the next request.
  if (!request.complete) response.setHeader('Connection', 'close');
  response.end(JSON.stringify(describeProblem(error, requestId, language)));
}
