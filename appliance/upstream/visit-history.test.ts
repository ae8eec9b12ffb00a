import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { answerJson } from './testdata/scripted-service.ts';
import { clientOf, failure, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

describe('visit history', () => {
  const record = {
    visitId: '7f2f6f5e-6f7c-4b6f-9d0f-3a1c2b3d4e5f',
    institutionCode: '1312345678',
    visitedAt: '2026-06-01T03:00:00.000Z',
    mode: 'online' as const,
    identifiedBy: 'insured-number' as const,
    faceCheck: 'not-done' as const,
    eligibility: 'valid' as const,
    evidence: { seq: 1, hash: '0'.repeat(64) },
  };

  test.each([201, 200])('%i is a receipt', async (status) => {
    const receipt = { visitId: record.visitId, receivedAt: '2026-06-01T03:00:01.000Z' };
    const bodies: string[] = [];
    const service = await serve((_, response, body) => {
      bodies.push(body);
      answerJson(response, status, receipt);
    });
    expect(await clientOf(service.url).history.register(record)).toEqual(receipt);
    expect(service.heard.at(-1)).toBe(`1 PUT /v1/visits/${record.visitId}`);
    expect(JSON.parse(bodies[0] ?? '')).toEqual(record);
  });

  test('a receipt for another visit is garbled', async () => {
    const receipt = {
      visitId: '11111111-1111-4111-8111-111111111111',
      receivedAt: '2026-06-01T03:00:01.000Z',
    };
    const service = await serve((_, response) => answerJson(response, 200, receipt));
    expect((await failure(clientOf(service.url).history.register(record))).code).toBe('centre.garbled');
  });
});
