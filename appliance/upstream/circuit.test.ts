import { afterAll, afterEach, describe, expect, test } from 'vitest';
import { openCentre } from './centre.ts';
import { makeScriptedClock } from './testdata/scripted-clock.ts';
import { answerRoster, clientOf, failure, keep, ROSTER, region, serve, tidy } from './testdata/test-bench.ts';

afterEach(tidy);
afterAll(() => region.remove());

describe('a dead service', () => {
  test('is asked once; then calls fail at once until the background probe reaches it', async () => {
    const service = await serve((_, response) => void response.writeHead(500).end());
    const clock = makeScriptedClock();
    const centre = clientOf(service.url, { clock });
    await centre.warm();
    expect(centre.health().serviceProvider).toBe(true);
    expect((await failure(centre.serviceProvider.roster())).code).toBe('centre.unreachable');
    expect(centre.health().serviceProvider).toBe(false);
    const heard = service.heard.length;
    for (let round = 0; round < 100; round++) {
      const failing = failure(centre.serviceProvider.roster());
      const turnOver = new Promise<'later'>((resolve) => setImmediate(resolve, 'later'));
      expect(await Promise.race([failing, turnOver])).toMatchObject({ code: 'centre.unreachable' });
    }
    expect(service.heard).toHaveLength(heard);
    service.script = answerRoster;
    await clock.wake(1_000);
    await expect.poll(() => centre.health().serviceProvider).toBe(true);
    expect(await centre.serviceProvider.roster()).toEqual(ROSTER);
  });

  test('is noticed without any call when its connection is lost, and does not touch the others', async () => {
    const eligibility = await serve();
    const history = await serve();
    const changes: boolean[] = [];
    const centre = keep(
      openCentre({
        ...region.options({ eligibility: eligibility.url, history: history.url }),
        onHealthChange: () => changes.push(centre.health().eligibility),
      }),
    );
    await centre.warm();
    expect(centre.health()).toMatchObject({ serviceProvider: false, eligibility: true, history: true });
    await eligibility.close();
    await expect.poll(() => centre.health().eligibility).toBe(false);
    expect(centre.health().history).toBe(true);
    expect(changes.at(-1)).toBe(false);
  });

  test('a rejected request is not a dead service', async () => {
    const service = await serve((_, response) => void response.writeHead(422).end());
    const centre = clientOf(service.url);
    await failure(centre.serviceProvider.roster());
    expect(centre.health().serviceProvider).toBe(true);
  });
});
