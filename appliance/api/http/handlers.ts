/** One handler per route: hand over to the gateway, answer what it says. Errors pass through to the edge. */
import { ERROR_CODES, ERRORS, SekishoError } from '#contract/errors.ts';
import type { AccessList, AccessListEntry } from '#contract/http/access-log-routes.ts';
import type { Session } from '#contract/http/messages.ts';
import { type HttpRoute, ROUTES } from '#contract/http.ts';
import type { TapProgress } from '#contract/snapshot.ts';
import type { BrowserImage, Caller, Gateway } from '#gateway/face.ts';
import { after, type Clock } from '#ports/clock.ts';
import type { Call, Handlers } from './call.ts';

export interface HandlerParts {
  readonly gateway: Gateway;
  readonly clock: Clock;
  readonly renderMetrics: () => string;
  readonly openApi: unknown;
}

export function createHandlers({ gateway, clock, renderMetrics, openApi }: HandlerParts): Handlers {
  return {
    readSnapshot: () => gateway.snapshot(),
    listErrors: () => ({ errors: ERROR_CODES.map((code) => ({ code, ...ERRORS[code] })) }),
    readOpenApi: () => openApi,
    readHealth: () => ({ alive: true, ready: gateway.snapshot().ready }),
    readMetrics: renderMetrics,

    async signIn(call) {
      const session = await gateway.signIn(
        { ...call.body, client: call.client(), pin: pinOf(call.body, call.secret) },
        call.signal,
      );
      call.openSession(session, call.body.screen);
      return { operator: session.operator, until: new Date(session.untilMs).toISOString() };
    },
    readSession: () => currentSession(gateway),
    async signOut({ caller, endSession }) {
      await gateway.signOut(caller);
      endSession();
    },

    unlockSam: (call) => unlockSam(gateway, call),
    lockSam: ({ caller, body }) => gateway.lockSam(caller, body.reason),
    rotateDataKey: ({ caller }) => gateway.rotateDataKey(caller),

    readNetwork: ({ caller }) => gateway.network(caller),
    registerNetwork: ({ caller, body }) => gateway.registerNetwork(caller, body.anchorKeySha256),

    readAccessLog: async ({ caller, query }) => ({
      entries: (await gateway.access.ofDay(caller, query.day)).map(inWords),
    }),
    listOperators: ({ caller }) => gateway.operators.list(caller),
    readStaffCard: (call) =>
      gateway.operators.readCard(call.caller, { ...call.body, client: call.client() }, call.signal),
    changeRoster: (call) => {
      const { baseVersion, change, ...card } = call.body;
      const confirmation = { ...card, client: call.client(), pin: pinOf(card, call.secret) };
      return gateway.operators.change(call.caller, { baseVersion, change }, confirmation, call.signal);
    },

    grantPermit: (call) => {
      const { until, maxUses, operators, ...card } = call.body;
      const confirmation = { ...card, client: call.client(), pin: pinOf(card, call.secret) };
      return gateway.permits.grant(call.caller, { until, maxUses, operators }, confirmation, call.signal);
    },
    endPermit: ({ caller }) => gateway.permits.end(caller),

    startTap: ({ caller, body, secret }) =>
      gateway.startTap(caller, {
        ...body,
        verificationNumberB:
          body.verificationNumberB === undefined ? undefined : secret('verificationNumberB').slice(),
        attributesPin: body.attributesPin === undefined ? undefined : secret('attributesPin').slice(),
      }),
    readTap: ({ params, query, signal }) => waitForTap(gateway, clock, params.tapId, query.waitMs, signal),
    decideConsent: ({ caller, params, body }) =>
      gateway.decideConsent(caller, params.tapId, body.decision, 'screen'),
    readPhoto: ({ caller, params }) => cardImage(gateway, caller, params.tapId, 'photo'),
    readNameImage: ({ caller, params }) => cardImage(gateway, caller, params.tapId, 'name'),
    readAddressImage: ({ caller, params }) => cardImage(gateway, caller, params.tapId, 'address'),
    recordFaceCheck: ({ caller, params, body }) => gateway.recordFaceCheck(caller, params.tapId, body),
    readVisitOfTap({ params }) {
      const visit = gateway.tapVisit(params.tapId);
      if (visit !== undefined) return visit;
      throw new SekishoError('tap.wrong-step', {
        context: { state: gateway.tapProgress(params.tapId).state },
      });
    },
    cancelTap: ({ caller, params }) => gateway.cancelTap(caller, params.tapId),

    visitByInsuredNumber: ({ caller, body }) =>
      gateway.visitByInsuredNumber(caller, body.insured, body.patientNumber),
    listVisits: async ({ caller, query }) => ({
      visits: [...(await gateway.visitsOfDay(caller, query.day))],
    }),
    listUnresolved: async ({ caller }) => ({ visits: [...(await gateway.unresolvedVisits(caller))] }),
    readVisit: ({ caller, params }) => gateway.visit(caller, params.visitId),
    reconcile: ({ caller, params, body }) => gateway.reconcile(caller, params.visitId, body.insured),
    linkPatient: ({ caller, params, body }) =>
      gateway.linkPatient(caller, params.cardId, body.patientNumber, body.insured),
  };
}

function inWords(entry: AccessListEntry): AccessList['entries'][number] {
  const { ja, en } = Object.entries<HttpRoute>(ROUTES).find(([id]) => id === entry.route)?.[1] ?? {
    ja: entry.route,
    en: entry.route,
  };
  return { ...entry, what: { ja, en } };
}

function currentSession(gateway: Gateway): Session {
  const { operator, operatorUntil } = gateway.snapshot().facts;
  if (operator === undefined || operatorUntil === undefined) throw new SekishoError('operator.session-ended');
  return { operator, until: operatorUntil };
}

function unlockSam(gateway: Gateway, call: Call<'unlockSam'>): Promise<void> {
  const { caller, body, secret, signal } = call;
  if (body.mode === 'online') return gateway.unlockOnline(caller);
  const { cardKind, acceptLastTry, screen } = body;
  const pin = pinOf(body, secret);
  return gateway.unlockOffline(
    caller,
    { cardKind, acceptLastTry, screen, client: call.client(), pin },
    signal,
  );
}

/** Undefined when it comes from the keys of the box. */
function pinOf(
  body: { readonly pin?: string | undefined },
  secret: Call<'signIn'>['secret'],
): Uint8Array | undefined {
  return body.pin === undefined ? undefined : secret('pin');
}

function cardImage(
  gateway: Gateway,
  caller: Caller,
  tapId: string,
  part: 'photo' | 'name' | 'address',
): BrowserImage {
  const images = gateway.tapPhoto(caller, tapId);
  if (images === undefined) throw new SekishoError('tap.no-photo');
  return images[part];
}

/** Long poll: whichever comes first, the tap's next resting point or the time. */
async function waitForTap(
  gateway: Gateway,
  clock: Clock,
  tapId: string,
  waitMs: number,
  signal: AbortSignal,
): Promise<TapProgress> {
  if (waitMs === 0) return gateway.tapProgress(tapId);
  const enough = new AbortController();
  let callOff = (): void => undefined;
  const inTime = new Promise<TapProgress>((resolve) => {
    callOff = after(clock, waitMs, () => {
      resolve(gateway.tapProgress(tapId));
      enough.abort();
    });
  });
  try {
    return await Promise.race([gateway.waitForTap(tapId, AbortSignal.any([signal, enough.signal])), inTime]);
  } finally {
    callOff();
  }
}
