/** Notes who asks for what in the access log: before it is done, so that nothing is shown or changed unnoted. */
import { toSekishoError } from '#contract/errors.ts';
import type { HttpRoute, RouteId } from '#contract/http.ts';
import type { AccessNote, Caller } from '#gateway/face.ts';

export interface NotedRequest {
  readonly id: RouteId;
  readonly route: Pick<HttpRoute, 'auth' | 'logs'>;
  readonly requestId: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
  /** Who is signed in: before the handler, and after it where that signs somebody in. */
  caller(): Caller | undefined;
}

/** These end access: a full disk must not keep a session open or the SAM unlocked. They are noted when they are done. */
const CLOSING: readonly RouteId[] = ['signOut', 'lockSam'];

/** Runs `work` and notes it. Rejects what `work` rejects, or `store.*` when it cannot be noted. */
export async function noting<T>(
  note: (note: AccessNote) => void,
  request: NotedRequest,
  work: () => T | Promise<T>,
): Promise<T> {
  const { id, route } = request;
  if (route.logs === 'nothing') return work();
  const before = request.caller();
  // Nobody is signed in before a sign-in.
  const isNotedAfterwards = route.auth === 'none' || CLOSING.includes(id);
  if (!isNotedAfterwards) note(describe(request, before));
  try {
    const result = await work();
    if (isNotedAfterwards) note(describe(request, before ?? request.caller()));
    return result;
  } catch (thrown) {
    const { code } = toSekishoError(thrown);
    try {
      note({ ...describe(request, before), error: code });
    } catch {
      // Why it was refused is what the caller must learn, and not that the disk is full as well.
    }
    throw thrown;
  }
}

function describe(request: NotedRequest, caller: Caller | undefined): AccessNote {
  const subject = subjectOf(request);
  return {
    ...(caller === undefined ? {} : { operatorId: caller.operatorId }),
    screen: caller?.screen ?? textAt(request.body, 'screen') ?? 'unknown',
    route: request.id,
    ...(subject === undefined ? {} : { subject }),
    requestId: request.requestId,
  };
}

/** By name: a body also holds what must stand in no log. */
function subjectOf({ params, query, body }: NotedRequest): string | undefined {
  for (const name of ['tapId', 'visitId', 'cardId']) {
    const id = textAt(params, name);
    if (id !== undefined) return id;
  }
  return textAt(query, 'day') ?? textAt((body as { change?: unknown } | undefined)?.change, 'operatorId');
}

function textAt(value: unknown, name: string): string | undefined {
  const text = (value as Readonly<Record<string, unknown>> | undefined)?.[name];
  return typeof text === 'string' ? text : undefined;
}
