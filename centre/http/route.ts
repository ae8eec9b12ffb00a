/** Routes as data: a method, a path pattern, and a handler that answers or throws a refusal. */
import type { TLSSocket } from 'node:tls';
import { CentreRefusal, type Reply } from './problem.ts';

export interface Call {
  readonly url: URL;
  /** Values of the `:name` segments, decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** The connection; absent on plain HTTP. */
  readonly tls: TLSSocket | undefined;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  /** `/v1/visits/:visitId`; a last segment `*name` takes the whole rest. */
  readonly path: string;
  /** Required Content-Type of a body. */
  readonly mediaType?: string;
  handle(call: Call): Reply | Promise<Reply>;
}

export interface Match {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Finds the route or says why there is none: 404 for the path, 405 for the method. */
export function matchRoute(routes: readonly Route[], method: string, path: string): Match {
  const matches = routes.flatMap((route) => {
    const parameters = matchPath(route.path, path);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const match = matches.find(({ route }) => route.method === method);
  if (match !== undefined) return match;
  if (matches.length > 0) throw new CentreRefusal('message-invalid', 'Method not allowed.', 405);
  throw new CentreRefusal('not-found', 'No such resource.');
}

function matchPath(pattern: string, path: string): Record<string, string> | undefined {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const parameters: Record<string, string> = {};
  for (const [index, segment] of wanted.entries()) {
    if (segment.startsWith('*')) {
      const rest = decode(given.slice(index).join('/'));
      return rest === undefined ? undefined : { ...parameters, [segment.slice(1)]: rest };
    }
    const value = given[index];
    if (value === undefined) return undefined;
    if (segment.startsWith(':')) {
      const decoded = decode(value);
      if (decoded === undefined) return undefined;
      parameters[segment.slice(1)] = decoded;
    } else if (segment !== value) return undefined;
  }
  return wanted.length === given.length ? parameters : undefined;
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
