/** Leave for home visits on the counter page: granted by an administrator, shown to everybody, big while away. */
import { expect, test } from 'vitest';
import { sampleOperator } from '#api/testing/scripted-samples.ts';
import { type CounterPage, useCounterPages } from './testing/counter-browser.ts';

let counter: CounterPage;
const inspect = useCounterPages((page) => {
  counter = page;
});

async function signInAs(roles: readonly ('administrator' | 'clerk')[]): Promise<void> {
  counter.rig.gateway.operator = { ...sampleOperator, roles: [...roles] };
  await counter.signIn();
  await counter.unlock();
  await counter.title('受付できます');
}

test('an administrator says for how long, how often and for whom, and signs', async () => {
  const { rig, page, click, title } = counter;
  await signInAs(['administrator']);
  await click('持ち出し');
  await title('訪問診療への持ち出し');
  await page.getByLabel('今から8時間').check();
  await page.getByLabel('読み取りの回数').fill('7');
  await page.getByLabel('暗証番号').fill('1234');
  await inspect('40-carry-out');
  await click('持ち出しを許可する');
  await page.getByText('職員を一人以上選んでください。').waitFor();
  expect(rig.gateway.calls.filter((call) => call.startsWith('permits.'))).toEqual([]);

  await page.getByLabel('架空 医志').check();
  await page.getByLabel('暗証番号').fill('1234');
  await click('持ち出しを許可する');
  await page.getByText('持ち出しを許可しています').waitFor();
  expect(rig.gateway.calls.at(-1)).toBe('permits.grant 7 a0a1a2a3a4a5a6a7');
  expect(rig.gateway.pins.at(-1)?.copy).toBe('1234');
  const { carryOut } = rig.gateway.snapshot();
  expect(Math.abs(Date.parse(carryOut?.until ?? '') - Date.now() - 8 * 3_600_000)).toBeLessThan(600_000);
  await inspect('41-carry-out-granted');
  await click('許可を終わらせる');
  await page.getByLabel('今から8時間').waitFor();
  expect(rig.gateway.calls.at(-1)).toBe('permits.end counter');
  expect(await page.getByText('持ち出しを許可しています').count()).toBe(0);
});

test('everybody sees it, away from home bigger, also before signing in; only administrators grant', async () => {
  const { rig, page } = counter;
  const carryOut = {
    until: '2026-11-25T09:00:00.000Z',
    usesLeft: 3,
    isUsed: true,
    operators: [{ operatorId: 'a0a1a2a3a4a5a6a7', displayName: '架空 看護' }],
  };
  rig.gateway.change({ carryOut }, { permit: 'carryOut', network: 'absent' });
  await page.getByText('持ち出し中').waitFor();
  await page.getByText('残り3回').waitFor();
  await page.getByText('架空 看護').waitFor();
  await inspect('42-away');
  rig.gateway.change({ carryOut: undefined }, { permit: 'none', network: 'registered' });
  await expect.poll(() => page.getByText('持ち出し中').count()).toBe(0);
  await signInAs(['clerk']);
  expect(await page.getByRole('button', { name: '持ち出し' }).count()).toBe(0);
});
