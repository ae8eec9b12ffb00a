import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SekishoError } from '#contract/errors.ts';
import { type HttpRoute, ROUTES } from '#contract/http.ts';
import { type ScriptedApi, startScriptedApi } from '../testing/scripted-api.ts';
import { sampleCardId, sampleOperator } from '../testing/scripted-samples.ts';

let rig: ScriptedApi;
let cookie: string;
beforeAll(async () => {
  rig = await startScriptedApi();
});
afterAll(() => rig.close());
beforeEach(async () => {
  cookie = await rig.signIn();
  rig.gateway.noted.length = 0;
  rig.gateway.notingFails = undefined;
});

const ask = (method: string, path: string, body?: unknown) =>
  rig.ask(method, path, { headers: { Cookie: cookie }, ...(body === undefined ? {} : { body }) });
const { operatorId } = sampleOperator;

test('the routes that are not noted are exactly the listed ones: they touch neither patient data nor security', () => {
  const unnoted = Object.entries<HttpRoute>(ROUTES).flatMap(([id, { logs }]) =>
    logs === 'nothing' ? [id] : [],
  );
  expect(unnoted.toSorted()).toEqual(
    [
      'listErrors',
      'readHealth',
      'readMetrics',
      'readNetwork',
      'readOpenApi',
      'readSession',
      'readSnapshot',
      'readTap',
      'streamSnapshots',
    ].toSorted(),
  );
});

describe('a request is noted', () => {
  test('with who, from where, what and of what, and the id that its answer has', async () => {
    const answer = await ask('GET', '/v1/visits?day=2025-04-01');
    expect(rig.gateway.noted).toEqual([
      {
        operatorId,
        screen: 'counter',
        route: 'listVisits',
        subject: '2025-04-01',
        requestId: answer.headers['x-request-id'],
      },
    ]);
  });

  test('by ids of ours only: no patient number, no PIN', async () => {
    const path = `/v1/patients/${encodeURIComponent(sampleCardId)}/link`;
    const linked = await ask('PUT', path, { patientNumber: 'A-12345' });
    const pin = { mode: 'offline', cardKind: 'hpki', pin: '4321' };
    const unlocked = await ask('POST', '/v1/sam/unlock', pin);
    // All of it, and nothing else: four digits stand in a random id by chance.
    const who = { operatorId, screen: 'counter' };
    expect(rig.gateway.noted).toEqual([
      { ...who, route: 'linkPatient', subject: sampleCardId, requestId: linked.headers['x-request-id'] },
      { ...who, route: 'unlockSam', requestId: unlocked.headers['x-request-id'] },
    ]);
  });

  test('and its refusal too', async () => {
    const visitId = randomUUID();
    const answer = await ask('GET', `/v1/visits/${visitId}`);
    const requestId = answer.headers['x-request-id'];
    const asked = { operatorId, screen: 'counter', route: 'readVisit', subject: visitId, requestId };
    expect(rig.gateway.noted).toEqual([asked, { ...asked, error: 'visit.unknown' }]);
  });

  test('a sign-in with who it is, a refused one with nobody', async () => {
    const wish = { cardKind: 'my-number', pin: '1234', screen: 'phone-2' };
    await rig.ask('POST', '/v1/session', { body: wish });
    rig.gateway.refuseNext('signIn', 'operator.pin-wrong');
    await rig.ask('POST', '/v1/session', { body: wish });
    expect(rig.gateway.noted).toMatchObject([
      { operatorId, screen: 'phone-2', route: 'signIn' },
      { screen: 'phone-2', route: 'signIn', error: 'operator.pin-wrong' },
    ]);
    expect(rig.gateway.noted[1]).not.toHaveProperty('operatorId');
  });

  test('not when nobody is let in: no stranger fills the disk', async () => {
    await rig.ask('GET', '/v1/visits?day=2025-04-01');
    await rig.ask('GET', '/v1/visits?day=2025-04-01', { headers: { Cookie: '__Host-sekisho=x' } });
    expect(rig.gateway.noted).toEqual([]);
  });
});

describe('what cannot be noted', () => {
  beforeEach(() => {
    rig.gateway.notingFails = new SekishoError('store.full');
  });

  test('is neither shown nor done', async () => {
    const asked = rig.gateway.calls.length;
    for (const [method, path, body] of [
      ['GET', '/v1/visits?day=2025-04-01', undefined],
      ['PUT', `/v1/patients/${encodeURIComponent(sampleCardId)}/link`, { patientNumber: '1' }],
      ['POST', '/v1/taps', { purpose: 'insurance-eligibility', includeLimitInfo: false }],
    ] as const) {
      expect((await ask(method, path, body)).json()).toMatchObject({ code: 'store.full' });
    }
    expect(rig.gateway.calls).toHaveLength(asked);
  });

  test('does not keep the SAM open or the session alive', async () => {
    expect((await ask('POST', '/v1/sam/lock')).json()).toMatchObject({ code: 'store.full' });
    expect((await ask('DELETE', '/v1/session')).json()).toMatchObject({ code: 'store.full' });
    expect(rig.gateway.calls.slice(-2)).toEqual(['lockSam operator', 'signOut counter']);
    expect((await ask('GET', '/v1/session')).json()).toMatchObject({ code: 'operator.session-ended' });
  });

  test('does not hide why a sign-in was refused', async () => {
    rig.gateway.refuseNext('signIn', 'operator.pin-wrong');
    const answer = await rig.ask('POST', '/v1/session', { body: { cardKind: 'hpki', pin: '1234' } });
    expect(answer.json()).toMatchObject({ code: 'operator.pin-wrong' });
  });
});
