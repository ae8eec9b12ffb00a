import { afterAll, afterEach, expect, test } from 'vitest';
import { answerJson } from './testdata/scripted-service.ts';
import { clientOf, failure, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

const ORDER = { message: 'AAAA', administrator: '00'.repeat(32), signature: 'AAAA' };

test.each([
  [409, 'roster-outdated', 'roster.outdated'],
  [409, 'roster-not-administrator', 'operator.role-insufficient'],
  [422, 'roster-signature-wrong', 'operator.signature-wrong'],
  [409, 'roster-last-administrator', 'roster.last-administrator'],
  [409, 'roster-operator-known', 'roster.operator-known'],
  [409, 'roster-operator-unknown', 'roster.operator-unknown'],
  [422, 'roster-certificate-wrong', 'operator.certificate-untrusted'],
  [409, 'roster-full', 'roster.full'],
  [422, 'message-invalid', 'roster.refused'],
  [403, 'device-revoked', 'centre.refused'],
  [500, 'internal', 'centre.unreachable'],
])('a change of the roster refused with %i %s is %s', async (status, problem, code) => {
  const document = { type: 'x', title: 'x', status, code: problem };
  const service = await serve((_, response) =>
    answerJson(response, status, document, 'application/problem+json'),
  );
  const { serviceProvider } = clientOf(service.url);
  expect((await failure(serviceProvider.changeRoster(ORDER))).code).toBe(code);
});

test('a refused change says nothing against the service', async () => {
  const document = { type: 'x', title: 'x', status: 409, code: 'roster-outdated' };
  const service = await serve((_, response) =>
    answerJson(response, 409, document, 'application/problem+json'),
  );
  const client = clientOf(service.url);
  await failure(client.serviceProvider.changeRoster(ORDER));
  expect(client.health().serviceProvider).toBe(true);
});
