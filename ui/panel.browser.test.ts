/** The counter page of a box with keys: the PIN stays away from the page. */
import { expect, test } from 'vitest';
import { type CounterPage, useCounterPages } from './testing/counter-browser.ts';

let counter: CounterPage;
const inspect = useCounterPages((page) => {
  counter = page;
});

test('an empty PIN asks for it on the keys, and the page shows how many digits there are', async () => {
  const { rig, page, click, title } = counter;
  await title('職員サインイン');
  rig.gateway.change({ panel: { state: 'ready' } });
  await page.getByText('本体のキーパッドで入力できます').waitFor();
  const release = rig.gateway.holdSignIn();
  await click('サインイン');
  rig.gateway.change({ panel: { state: 'ready', pinDigits: 3 } });
  await page.getByText('入力した桁数: 3').waitFor();
  await inspect('panel-pin');
  release();
  rig.gateway.change({ panel: { state: 'ready' } });
  await title('SAM を解除します');
  expect(rig.gateway.pins).toEqual([]);
});

test('without keys the field must be filled', async () => {
  const { rig, click, title } = counter;
  await title('職員サインイン');
  await click('サインイン');
  expect(rig.gateway.calls).not.toContainEqual(expect.stringContaining('signIn'));
});
