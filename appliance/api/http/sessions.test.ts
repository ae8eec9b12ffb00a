/** Sign-in over HTTPS: what the cookie opens, when it dies, and what becomes of the PIN. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Session } from '#contract/http/messages.ts';
import { systemClock } from '#ports/clock.ts';
import { systemRandom } from '#ports/random.ts';
import { type ScriptedApi, startScriptedApi } from '../testing/scripted-api.ts';
import { ScriptedGateway } from '../testing/scripted-gateway.ts';
import { createSessions } from './sessions.ts';

let rig: ScriptedApi;
let cookie: string;
beforeAll(async () => {
  rig = await startScriptedApi();
});
afterAll(() => rig.close());
beforeEach(async () => {
  cookie = await rig.signIn();
});

describe('the session', () => {
  test('its cookie is closed to scripts, to plain HTTP, to other sites and to other hosts', async () => {
    const answer = await rig.ask('POST', '/v1/session', { body: { cardKind: 'hpki', pin: 'abc123' } });
    expect(answer.status).toBe(201);
    expect(Session.parse(answer.json()).operator.displayName).toBe('架空 受付子');
    const [header] = answer.headers['set-cookie']!;
    expect(header).toMatch(/^__Host-sekisho=[\w-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/);
  });

  test('each sign-in gets another token, and both screens of one operator work', async () => {
    const second = await rig.signIn();
    expect(second).not.toBe(cookie);
    for (const Cookie of [cookie, second]) {
      expect((await rig.ask('GET', '/v1/session', { headers: { Cookie } })).status).toBe(200);
    }
  });

  test('signing out ends every screen at once and deletes the cookie', async () => {
    const second = await rig.signIn();
    const answer = await rig.ask('DELETE', '/v1/session', { headers: { Cookie: cookie } });
    expect(answer.status).toBe(204);
    expect(answer.headers['set-cookie']![0]).toContain('Max-Age=0');
    expect((await rig.ask('GET', '/v1/session', { headers: { Cookie: second } })).status).toBe(401);
  });

  test('another operator does not inherit a cookie, and it stays dead when the first one comes back', async () => {
    const first = rig.gateway.operator;
    rig.gateway.operator = { ...first, operatorId: 'ffeeddccbbaa9988' };
    await rig.signIn();
    expect((await rig.ask('GET', '/v1/session', { headers: { Cookie: cookie } })).status).toBe(401);
    rig.gateway.operator = first;
    await rig.signIn();
    expect((await rig.ask('GET', '/v1/session', { headers: { Cookie: cookie } })).status).toBe(401);
  });

  test('it is over when its time is over, also before the gateway says so', async () => {
    rig.gateway.change({}, { operatorUntil: '2020-01-01T00:00:00.000Z' });
    const answer = await rig.ask('GET', '/v1/session', { headers: { Cookie: cookie } });
    expect(answer.json()).toMatchObject({ code: 'operator.session-ended' });
  });
});

test('who is signed in without the cookie of the screen gets one when the card is needed, once', async () => {
  const unlock = (Cookie: string) =>
    rig.ask('POST', '/v1/sam/unlock', {
      body: { mode: 'offline', cardKind: 'hpki', pin: '1234' },
      headers: { Cookie },
    });
  const [screen = ''] = (await unlock(cookie)).headers['set-cookie'] ?? [];
  expect(screen).toMatch(/^__Host-sekisho-screen=/);
  expect((await unlock(`${cookie}; ${screen.split(';')[0]}`)).headers['set-cookie']).toBeUndefined();
});

test('whoever sets the wall clock neither ends a session nor prolongs it', () => {
  let [nowMs, monotonicMs] = [Date.parse('2026-11-21T00:00:00Z'), 5_000];
  const gateway = new ScriptedGateway();
  const clock = { nowMs: () => nowMs, monotonicMs: () => monotonicMs, sleep: systemClock.sleep };
  const sessions = createSessions(gateway, clock, systemRandom);
  const until = new Date(nowMs + 60_000).toISOString();
  gateway.change({ at: new Date(nowMs).toISOString() }, { operator: gateway.operator, operatorUntil: until });
  const { operatorId } = gateway.operator;
  const own = sessions.open({ operatorId, screen: 'counter' }).split(';')[0];
  for (const shiftMs of [86_400_000, -172_800_000]) {
    nowMs += shiftMs;
    expect(sessions.authenticate(own, 'operator')).toEqual({ operatorId, screen: 'counter' });
  }
  monotonicMs += 60_000;
  expect(() => sessions.authenticate(own, 'operator')).toThrow(
    expect.objectContaining({ code: 'operator.session-ended' }),
  );
  sessions.close();
});

describe('the PIN', () => {
  test('arrives as bytes and is overwritten when the gateway is done', async () => {
    await rig.ask('POST', '/v1/session', { body: { cardKind: 'hpki', pin: 'Ab9!"'.replace('"', '~') } });
    const { copy, bytes } = rig.gateway.pins.at(-1)!;
    expect(copy).toBe('Ab9!~');
    expect([...bytes]).toEqual([0, 0, 0, 0, 0]);
  });

  test('is overwritten also when the gateway refuses; tries left are told, nothing else of the context', async () => {
    rig.gateway.refuseNext('signIn', 'operator.pin-wrong', { triesLeft: 2, secret: 7 });
    const answer = await rig.ask('POST', '/v1/session', { body: { cardKind: 'my-number', pin: '9876' } });
    const { requestId, ...told } = answer.json();
    expect(told).toMatchObject({ code: 'operator.pin-wrong', triesLeft: 2 });
    expect(requestId).toBe(answer.headers['x-request-id']);
    // Without the random id, in which four digits stand by chance.
    expect(JSON.stringify(told)).not.toMatch(/secret|9876/);
    expect([...rig.gateway.pins.at(-1)!.bytes]).toEqual([0, 0, 0, 0]);
  });

  test('may be absent: then it comes from the keys of the box', async () => {
    const pins = rig.gateway.pins.length;
    await rig.ask('POST', '/v1/session', { body: { cardKind: 'hpki' } });
    expect(rig.gateway.calls.at(-1)).toContain('signIn hpki');
    expect(rig.gateway.pins).toHaveLength(pins);
  });

  test.each([
    ['{"cardKind":"hpki","p\\u0069n":"1234"}', 'request.malformed'],
    ['{"cardKind":"hpki","pin":"12\\u00334"}', 'request.malformed'],
    ['{"cardKind":"hpki","pin":"１２３４"}', 'request.malformed'],
    ['{"cardKind":"hpki","pin":"12 4"}', 'request.malformed'],
    ['{"cardKind":"hpki","pin":1234}', 'request.invalid'],
    ['{"cardKind":"hpki","pin":"123"}', 'request.invalid'],
    ['{"cardKind":"hpki","pin":"12345678901234567"}', 'request.invalid'],
  ])('%s is refused before the gateway', async (raw, code) => {
    const asked = rig.gateway.calls.length;
    expect((await rig.ask('POST', '/v1/session', { raw })).json()).toMatchObject({ code });
    expect(rig.gateway.calls).toHaveLength(asked);
  });
});
