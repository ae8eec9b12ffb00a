import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ERROR_CODES, ERRORS } from '#contract/errors.ts';
import { Problem } from '#contract/http/messages.ts';
import { Roster, StaffCard } from '#contract/http/operator-routes.ts';
import { type HttpRoute, ROUTES, type RouteId } from '#contract/http.ts';
import { CarryOutStatus } from '#contract/permit.ts';
import { GatewaySnapshot } from '#contract/snapshot.ts';
import { TapResult, Visit } from '#contract/visit.ts';
import { type ScriptedApi, startScriptedApi } from '../testing/scripted-api.ts';
import {
  sampleCardAttributes,
  sampleCardId,
  sampleOperator,
  sampleQualification,
} from '../testing/scripted-samples.ts';

let rig: ScriptedApi;
let cookie: string;
beforeAll(async () => {
  rig = await startScriptedApi();
});
afterAll(() => rig.close());
beforeEach(async () => {
  cookie = await rig.signIn();
});

const entries = Object.entries<HttpRoute>(ROUTES) as [RouteId, HttpRoute][];
const protectedRoutes = entries.filter(([, { auth }]) => auth !== 'none');
const concrete = (path: string): string =>
  path.replace('{tapId}', randomUUID()).replace('{visitId}', randomUUID()).replace('{cardId}', sampleCardId);
const insured = {
  InsurerNumber: sampleQualification.InsurerNumber,
  InsuredIdentificationNumber: sampleQualification.InsuredIdentificationNumber,
  Birthdate: sampleQualification.Birthdate,
};

describe('every route refuses without an operator', () => {
  const open = [
    'readSnapshot',
    'streamSnapshots',
    'listErrors',
    'signIn',
    'readOpenApi',
    'readHealth',
    'readMetrics',
  ];

  test('the routes that need no operator are exactly the listed ones', () => {
    expect(
      entries
        .filter(([, { auth }]) => auth === 'none')
        .map(([id]) => id)
        .toSorted(),
    ).toEqual(open.toSorted());
  });

  test.each(protectedRoutes)('%s', async (_id, { method, path }) => {
    const asked = rig.gateway.calls.length;
    const dead = { Cookie: `__Host-sekisho=${'A'.repeat(43)}` };
    for (const [headers, code] of [
      [{}, 'operator.not-signed-in'],
      [{ Cookie: '__Host-sekisho=' }, 'operator.not-signed-in'],
      [{ Cookie: 'sekisho=abc; x' }, 'operator.not-signed-in'],
      [dead, 'operator.session-ended'],
    ] as const) {
      const answer = await rig.ask(method, concrete(path), { headers });
      expect(answer.status).toBe(401);
      expect(Problem.parse(answer.json()).code).toBe(code);
    }
    expect(rig.gateway.calls).toHaveLength(asked);
  });

  test.each(protectedRoutes)('%s, after the session has ended', async (_id, { method, path }) => {
    rig.gateway.endSession();
    const answer = await rig.ask(method, concrete(path), { headers: { Cookie: cookie } });
    // biome-ignore lint/suspicious/noThenProperty: a string is not callable
    expect(answer.json()).toMatchObject({ status: 401, code: 'operator.session-ended', then: 'sign-in' });
  });
});

describe('every route of administrators refuses everybody else', () => {
  const reserved = [
    'rotateDataKey',
    'registerNetwork',
    'listOperators',
    'readStaffCard',
    'changeRoster',
    'grantPermit',
    'readAccessLog',
  ];

  test('the routes that need an administrator are exactly the listed ones', () => {
    expect(
      entries
        .filter(([, { auth }]) => auth === 'administrator')
        .map(([id]) => id)
        .toSorted(),
    ).toEqual(reserved.toSorted());
  });

  test.each(entries.filter(([, { auth }]) => auth === 'administrator'))(
    '%s',
    async (_id, { method, path }) => {
      for (const roles of [['clerk'], ['doctor', 'nurse', 'clerk'], []] as const) {
        rig.gateway.change({}, { operator: { ...sampleOperator, roles: [...roles] } });
        const asked = rig.gateway.calls.length;
        const answer = await rig.ask(method, concrete(path), { headers: { Cookie: cookie } });
        expect(Problem.parse(answer.json())).toMatchObject({
          status: 403,
          code: 'operator.role-insufficient',
        });
        expect(rig.gateway.calls).toHaveLength(asked);
      }
      rig.gateway.change({}, { operator: { ...sampleOperator, roles: ['clerk', 'administrator'] } });
      const answer = await rig.ask(method, concrete(path), { headers: { Cookie: cookie } });
      expect(answer.status).not.toBe(403);
    },
  );
});

describe('the roster over HTTPS', () => {
  const ask = (method: string, path: string, body?: unknown) =>
    rig.ask(method, path, { headers: { Cookie: cookie }, ...(body === undefined ? {} : { body }) });
  beforeEach(() => rig.gateway.change({}, { operator: { ...sampleOperator, roles: ['administrator'] } }));

  test('is listed, a card is read, and a change takes the PIN as bytes', async () => {
    const { version } = Roster.parse((await ask('GET', '/v1/operators')).json());
    const card = StaffCard.parse((await ask('POST', '/v1/operators/card', { cardKind: 'hpki' })).json());
    const { operatorId } = card;
    const change = { action: 'add', operatorId, displayName: '架空 新人', roles: ['nurse'] };
    const wish = { baseVersion: version, change, cardKind: 'my-number', pin: '4321' };
    const roster = Roster.parse((await ask('POST', '/v1/operators/changes', wish)).json());
    expect(roster.operators.at(-1)).toMatchObject({ operatorId, displayName: '架空 新人', roles: ['nurse'] });
    const pin = rig.gateway.pins.at(-1)!;
    expect(pin.copy).toBe('4321');
    expect(pin.bytes.every((byte) => byte === 0)).toBe(true);
  });

  test.each([
    ['no role', { roles: [] }],
    ['a role twice', { roles: ['nurse', 'nurse'] }],
    ['a role that does not exist', { roles: ['root'] }],
    ['a name of two lines', { displayName: '架空\n新人' }],
    ['a name that hides its direction', { displayName: '架空\u202e新人' }],
    ['a name that is empty', { displayName: '' }],
    ['another field', { suspended: false }],
  ])('%s is refused', async (_what, wrong) => {
    const change = { action: 'add', operatorId: 'b0b1b2b3b4b5b6b7', displayName: '架空', roles: ['nurse'] };
    const body = { baseVersion: 7, change: { ...change, ...wrong }, cardKind: 'hpki', pin: '1234' };
    const answer = await ask('POST', '/v1/operators/changes', body);
    expect(answer.json()).toMatchObject({ status: 422, code: 'request.invalid' });
    expect(answer.text).not.toContain('架空');
  });
});

describe('leave for a home visit over HTTPS', () => {
  const body = {
    until: '2027-01-01T03:00:00.000Z',
    maxUses: 5,
    operators: ['a0a1a2a3a4a5a6a7'],
    cardKind: 'my-number',
    pin: '4321',
  };
  const ask = (method: string, sent?: unknown) =>
    rig.ask(method, '/v1/permit', {
      headers: { Cookie: cookie },
      ...(sent === undefined ? {} : { body: sent }),
    });
  beforeEach(() => rig.gateway.change({}, { operator: { ...sampleOperator, roles: ['administrator'] } }));

  test('is granted with the PIN as bytes, stands in the snapshot, and is ended', async () => {
    const answer = await ask('POST', body);
    expect(answer.status).toBe(201);
    expect(CarryOutStatus.parse(answer.json())).toMatchObject({ usesLeft: 5, until: body.until });
    const pin = rig.gateway.pins.at(-1)!;
    expect(pin.copy).toBe('4321');
    expect(pin.bytes.every((byte) => byte === 0)).toBe(true);
    const shown = GatewaySnapshot.parse((await rig.ask('GET', '/v1/snapshot')).json());
    expect(shown).toMatchObject({ facts: { permit: 'carryOut' }, carryOut: { usesLeft: 5 } });
    expect((await ask('DELETE')).status).toBe(204);
  });

  test.each([
    ['nobody', { operators: [] }],
    ['somebody twice', { operators: ['a0a1a2a3a4a5a6a7', 'a0a1a2a3a4a5a6a7'] }],
    ['no use', { maxUses: 0 }],
    ['no end', { until: 'tomorrow' }],
    ['more than asked for', { roles: ['administrator'] }],
  ])('for %s is no permit', async (_what, wrong) => {
    const answer = await ask('POST', { ...body, ...wrong });
    expect(answer.json()).toMatchObject({ status: 422, code: 'request.invalid' });
  });
});

describe('a visit over HTTPS', () => {
  const ask = (method: string, path: string, body?: unknown) =>
    rig.ask(method, path, { headers: { Cookie: cookie }, ...(body === undefined ? {} : { body }) });

  test('from unlock to result, with answers that fit the published schemas', async () => {
    expect((await ask('POST', '/v1/sam/unlock', { mode: 'online' })).status).toBe(204);
    const start = {
      purpose: 'insurance-eligibility',
      includeLimitInfo: true,
      verificationNumberB: '12345678901234',
      attributesPin: '1234',
    };
    const started = await ask('POST', '/v1/taps', start);
    expect(started.status).toBe(201);
    const { tapId } = started.json();
    expect((await ask('POST', `/v1/taps/${tapId}/consent`, { decision: 'ok' })).status).toBe(204);
    expect((await ask('GET', `/v1/taps/${tapId}?waitMs=5000`)).json()).toMatchObject({ state: 'faceCheck' });
    for (const part of ['photo', 'name', 'address']) {
      const image = await ask('GET', `/v1/taps/${tapId}/${part}`);
      expect(image.headers).toMatchObject({ 'content-type': 'image/png', 'cache-control': 'no-store' });
    }
    expect((await ask('GET', `/v1/taps/${tapId}/visit`)).json()).toMatchObject({ code: 'tap.wrong-step' });
    const check = { method: 'card-photo', result: 'match' };
    rig.gateway.attributesToCome = { cardAttributes: sampleCardAttributes };
    const result = await ask('POST', `/v1/taps/${tapId}/face-check`, check);
    expect(result.headers).toMatchObject({ 'cache-control': 'no-store' });
    const { cardAttributes, ...visit } = TapResult.parse(result.json());
    expect(cardAttributes).toEqual(sampleCardAttributes);
    rig.gateway.attributesToCome = {};
    expect(Visit.parse((await ask('GET', `/v1/taps/${tapId}/visit`)).json())).toEqual(visit);
    expect(
      (await ask('PUT', `/v1/patients/${encodeURIComponent(visit.cardId!)}/link`, { patientNumber: '12345' }))
        .status,
    ).toBe(204);
    expect((await ask('GET', '/v1/visits?day=2025-04-01')).json()).toMatchObject({
      visits: [{ patientNumber: '12345' }],
    });
    expect(Visit.parse((await ask('GET', `/v1/visits/${visit.visitId}`)).json()).patientNumber).toBe('12345');
  });

  test('a long poll answers when the tap comes to rest, and at the latest after its time', async () => {
    rig.gateway.cardIsWaiting = false;
    const { tapId } = (
      await ask('POST', '/v1/taps', { purpose: 'insurance-eligibility', includeLimitInfo: false })
    ).json();
    await ask('POST', `/v1/taps/${tapId}/consent`, { decision: 'ok' });
    expect((await ask('GET', `/v1/taps/${tapId}?waitMs=20`)).json()).toMatchObject({
      state: 'waitingForCard',
    });
    const waiting = ask('GET', `/v1/taps/${tapId}?waitMs=60000`);
    rig.gateway.placeCard();
    expect((await waiting).json()).toMatchObject({ state: 'faceCheck' });
    expect((await ask('GET', `/v1/taps/${tapId}/photo`)).json()).toMatchObject({ code: 'tap.no-photo' });
    expect((await ask('DELETE', `/v1/taps/${tapId}`)).status).toBe(204);
    rig.gateway.cardIsWaiting = true;
  });

  test('without a card, the list of open visits, and reconciliation', async () => {
    const visit = await ask('POST', '/v1/visits/by-insured-number', { insured, patientNumber: 'A-77' });
    expect(visit.status).toBe(201);
    expect(Visit.parse(visit.json())).toMatchObject({
      identifiedBy: 'insured-number',
      patientNumber: 'A-77',
    });
    const { visits } = (await ask('GET', '/v1/visits/unresolved')).json() as {
      visits: { visitId: string }[];
    };
    const answer = await ask('POST', `/v1/visits/${visits[0]!.visitId}/reconcile`);
    expect(Visit.parse(answer.json()).unresolved).toEqual([]);
  });

  test('offline unlock hands the PIN over as bytes; lock works without a body', async () => {
    const unlock = { mode: 'offline', cardKind: 'hpki', pin: '4321', acceptLastTry: true };
    expect((await ask('POST', '/v1/sam/unlock', unlock)).status).toBe(204);
    expect(rig.gateway.pins.at(-1)!.copy).toBe('4321');
    expect((await ask('POST', '/v1/sam/lock')).status).toBe(204);
    expect(rig.gateway.calls.at(-1)).toBe('lockSam operator');
  });
});

describe('anybody on the network may read', () => {
  test('the snapshot, exactly as published', async () => {
    GatewaySnapshot.parse((await rig.ask('GET', '/v1/snapshot')).json());
  });

  test('the error table', async () => {
    const { errors } = (await rig.ask('GET', '/v1/errors')).json() as { errors: { code: string }[] };
    expect(errors.map(({ code }) => code)).toEqual(ERROR_CODES);
  });

  test('health and metrics, without a name', async () => {
    expect((await rig.ask('GET', '/healthz')).json()).toMatchObject({ alive: true });
    const { text, headers } = await rig.ask('GET', '/metrics');
    expect(text).toContain('sekisho_reader_faults_total{code="reader.timeout"} 2\n');
    expect(text).toContain('sekisho_reader_cards_total 7\n');
    expect(headers['content-type']).toContain('text/plain');
    expect(text).toMatch(/^sekisho_ready\{missing="[a-z.-]*"\} [01]$/m);
    expect(text).toContain('sekisho_http_requests_total{route="POST /v1/session",status="201"}');
    expect(text).not.toContain('架空');
    for (const line of text.trimEnd().split('\n')) {
      expect(line).toMatch(
        /^(# (HELP|TYPE) [a-z_]+ .+|[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+)$/,
      );
    }
  });

  test('the OpenAPI description, with a foreign client that trusts only our certificate', async () => {
    const url = `${rig.api.url}/openapi.json`;
    const { stdout: text } = await promisify(execFile)('curl', [
      '-sS',
      '--fail',
      '--cacert',
      rig.certificatePath,
      url,
    ]);
    const { openapi, paths, components } = JSON.parse(text);
    expect(openapi).toMatch(/^3\.1\.\d$/);
    const operations = Object.entries<
      Record<string, { operationId: string; parameters: { name: string; in: string }[]; responses: object }>
    >(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
    );
    expect(operations.map(({ operation }) => operation.operationId).toSorted()).toEqual(
      Object.keys(ROUTES).toSorted(),
    );
    for (const { path, operation } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(
        operation.parameters.filter((parameter) => parameter.in === 'path').map(({ name }) => name),
      ).toEqual(inPath);
      expect(Object.keys(operation.responses).some((status) => status.startsWith('2'))).toBe(true);
    }
    const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      ([, name]) => name!,
    );
    expect(new Set(references).size).toBeGreaterThan(15);
    for (const name of references) expect(components.schemas, name).toHaveProperty(name);
    expect(text).not.toContain('"$id"');
    expect(JSON.stringify(components.schemas.Visit)).toContain('#/components/schemas/EligibilityView');
    expect(components.schemas.SignInBody.required).toEqual(['cardKind']);
    expect(components.schemas.SignInBody.additionalProperties).toBe(false);
  });
});

describe('problem documents', () => {
  test('speak Japanese, English when asked for, and name their request', async () => {
    const ja = await rig.ask('GET', '/v1/session');
    const en = await rig.ask('GET', '/v1/session', {
      headers: { 'Accept-Language': 'en-GB,en;q=0.9,ja;q=0.5' },
    });
    expect(ja.headers['content-type']).toBe('application/problem+json');
    expect(ja.headers['content-language']).toBe('ja');
    expect(en.headers['content-language']).toBe('en');
    const row = ERRORS['operator.not-signed-in'];
    expect(Problem.parse(ja.json())).toMatchObject({
      title: row.ja.title,
      next: row.ja.next,
      type: 'urn:sekisho:error:operator.not-signed-in',
    });
    expect(Problem.parse(en.json())).toMatchObject({ title: row.en.title, next: row.en.next });
    expect(en.json().requestId).toBe(en.headers['x-request-id']);
  });

  test('an unknown failure is internal.bug and tells nothing', async () => {
    const secret = new Error('MIIC serial 123456789012');
    rig.gateway.refusals.set('visitsOfDay', secret as never);
    const answer = await rig.ask('GET', '/v1/visits?day=2025-04-01', { headers: { Cookie: cookie } });
    const { requestId, ...told } = answer.json();
    expect(told).toMatchObject({ status: 500, code: 'internal.bug' });
    expect(requestId).toBe(answer.headers['x-request-id']);
    // Without the random id, in which four digits stand by chance.
    expect(JSON.stringify(told)).not.toMatch(/MIIC|serial|1234/);
  });
});
