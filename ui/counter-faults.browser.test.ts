/** The counter page in a real browser: what goes wrong, and what it then says. */
import { describe, expect, test } from 'vitest';
import { type CounterPage, useCounterPages } from './testing/counter-browser.ts';

let counter: CounterPage;
const inspect = useCounterPages((page) => {
  counter = page;
});

function latch(): { isHeld: Promise<void>; release: () => void } {
  let release = (): void => {};
  const isHeld = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { isHeld, release };
}

describe('what goes wrong', () => {
  test('a wrong PIN, then the last try, which wants a confirmation; the field is empty each time', async () => {
    const { rig, page, click, title, signIn } = counter;
    rig.gateway.refuseNext('signIn', 'operator.pin-wrong', { triesLeft: 1 });
    await signIn();
    await page.getByText('暗証番号が違います。').waitFor();
    await page.getByText('残り 1 回').waitFor();
    expect(await page.getByLabel('暗証番号').inputValue()).toBe('');
    rig.gateway.refuseNext('signIn', 'operator.pin-last-try', { triesLeft: 1 });
    await signIn();
    await page.getByText('暗証番号の入力は、あと1回です。').waitFor();
    await inspect('14-last-try');
    await page.getByLabel('次に間違えると').check();
    await page.getByLabel('暗証番号').fill('4321');
    await click('サインイン');
    await title('SAM を解除します');
    expect(rig.gateway.calls.at(-1)).toBe('signIn my-number counter acceptLastTry=true');
  });

  test.each([
    ['card.removed', 'カードが離れました。', 'もう一度始める'],
    ['patient.revoked-hold', 'カードは紛失の届けにより一時停止中です。', '番号で確認する'],
  ] as const)('a tap that fails with %s says what and what next', async (code, text, next) => {
    const { rig, page, click, title, signIn, unlock } = counter;
    rig.gateway.cardIsWaiting = false;
    await signIn();
    await unlock();
    await click('受付を始める');
    await click('はい、OK');
    await title('カードを置いてください');
    rig.gateway.advanceTap('failed', [{ name: 'read-certificate', state: 'failed' }], code);
    await title('受付できませんでした');
    await page.getByText(text).waitFor();
    await inspect(`15-failure-${code}`);
    await click(next);
    await title(next === 'もう一度始める' ? 'カードを読み取ってよいですか' : '番号で資格を確認');
  });

  test('the patient says no; another face is refused', async () => {
    const { page, click, title, signIn, unlock } = counter;
    await signIn();
    await unlock();
    await click('受付を始める');
    await click('いいえ');
    await page.getByText('患者さんが同意しませんでした。').waitFor();
    await click('もう一度始める');
    await click('はい、OK');
    await click('ちがう人です');
    await title('受付できません');
    await page.getByText('写真と本人が一致しませんでした。').waitFor();
    await inspect('16-mismatch');
  });

  test('the first missing thing is named with its next step', async () => {
    const { rig, page, click, title, signIn } = counter;
    await signIn();
    await title('SAM を解除します');
    const { lastFault: _other, ...readerHealth } = rig.gateway.snapshot().readerHealth;
    rig.gateway.change({ missing: 'reader.unreachable', readerHealth }, { reader: 'faulted' });
    await title('まだ受付できません');
    await page.getByText('カードリーダーにつながりません。').waitFor();
    await page.getByText('カードリーダー 異常').waitFor();
    await inspect('17-status');
    await click('番号で確認する');
    await title('番号で資格を確認');
    const strip = page.getByRole('alert').getByText('数秒待っても直らなければ、サポートに連絡してください。');
    await strip.waitFor();
    await inspect('17-status-by-number');
    rig.gateway.change({}, { reader: 'ready' });
    await strip.waitFor({ state: 'detached' });
    rig.gateway.change({ missing: 'reader.unreachable' }, { reader: 'faulted' });
    await click('サインアウト');
    await title('職員サインイン');
    await page.getByText('カードリーダーにつながりません。').waitFor();
    rig.gateway.change({ readerHealth: { ...readerHealth, lastFault: 'reader.failed' } });
    await page.getByText('カードリーダーが故障しています。').waitFor();
  });

  test.each([
    ['sam.absent', 'absent', 'SAM が見つかりません。'],
    ['sam.disabled', 'disabled', 'SAM は停止されています。'],
  ] as const)('%s is named before anybody types a PIN, and afterwards', async (missing, sam, text) => {
    const { rig, page, title, signIn } = counter;
    await title('職員サインイン');
    rig.gateway.change({ missing, ready: false }, { sam });
    await page.getByText(text).waitFor();
    await inspect(`17-${missing}`);
    rig.gateway.change({ missing: 'operator.not-signed-in' }, { sam: 'locked' });
    await page.getByText(text).waitFor({ state: 'detached' });
    await signIn();
    await title('SAM を解除します');
    rig.gateway.change({ missing, ready: false }, { sam });
    await title('まだ受付できません');
    await page.getByText(text).waitFor();
  });

  test('a network that is lost is named with its reason; one that is back, with its age', async () => {
    const { rig, page, title } = counter;
    await title('職員サインイン');
    const lastEnd = { reason: 'anchor-silent', at: '2026-06-01T02:15:00.000Z' } as const;
    const lease = { since: '2026-06-01T02:15:00.000Z', graceMs: 3_000, lastEnd };
    rig.gateway.change({ missing: 'network.foreign', lease }, { network: 'foreign' });
    await page.getByText('登録されたネットワークではありません。').waitFor();
    await page.getByText(/前回の切断: アンカーの応答がありません（.*11:15）/).waitFor();
    await inspect('17-network');
    rig.gateway.change(
      { missing: 'operator.not-signed-in', lease: { ...lease, since: '2026-06-01T02:16:00.000Z' } },
      { network: 'registered' },
    );
    await page.getByText(/ネットワーク 登録済み .*11:16 から/).waitFor();
    await page.getByText('前回の切断').waitFor({ state: 'detached' });
  });

  test('a list of revoked cards that cannot be renewed is shown, and counts as no lost service', async () => {
    const { rig, page } = counter;
    const { centre } = rig.gateway.snapshot().facts;
    await page.getByText('センター 4 / 4 接続').waitFor();
    rig.gateway.change({}, { centre: { ...centre, revocationLists: false } });
    await page.getByText('失効リストを更新できません').waitFor();
    await page.getByText('センター 4 / 4 接続').waitFor();
    await inspect('17-lists');
  });

  test('the end of the session clears the patient from the screen', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    await signIn();
    await unlock();
    await click('受付を始める');
    await click('はい、OK');
    await click('同じ人です');
    await page.getByText('見本 花子').waitFor();
    rig.gateway.endSession();
    await title('職員サインイン');
    await page.getByText('サインインの時間が切れました。').waitFor();
    expect(await page.content()).not.toContain('見本 花子');
  });

  test('what is answered after the end of the session is shown to nobody, and the next one signs in as always', async () => {
    const { rig, page, click, title, signIn } = counter;
    await signIn();
    await title('SAM を解除します');
    const { isHeld, release } = latch();
    await page.route(/\/v1\/visits\?day=/, async (route) => {
      const response = await route.fetch();
      rig.gateway.endSession();
      await isHeld;
      await route.fulfill({ response });
    });
    await click('今日の受付');
    await title('職員サインイン');
    await page.getByText('サインインの時間が切れました。').waitFor();
    await page.getByLabel('暗証番号').fill('12');
    const arrived = page.waitForResponse(/\/v1\/visits\?day=/);
    release();
    await (await arrived).finished();
    expect(await page.getByLabel('暗証番号').inputValue()).toBe('12');
    await signIn();
    await title('今日の受付');
  });

  test('another screen does not wait for the list of the one before', async () => {
    const { page, click, title, signIn } = counter;
    await signIn();
    await title('SAM を解除します');
    const { isHeld, release } = latch();
    await page.route(/\/v1\/visits\?day=/, async (route) => {
      await isHeld;
      await route.continue();
    });
    await click('今日の受付');
    await title('今日の受付');
    await page.getByRole('button', { name: /^未確認/ }).click();
    await page.getByText('00012345').waitFor();
    release();
  });

  test('an appliance that was locked and starts anew is found again without hands, and nobody it knew stays on the screen', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    rig.gateway.cardIsWaiting = false;
    await signIn();
    await unlock();
    await click('受付を始める');
    await click('はい、OK');
    await title('カードを置いてください');
    rig.gateway.placeCard();
    await title('本人ですか？');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText('見本 花子').first().waitFor();
    // As after kill -9: nobody has told the page that its session is over.
    await rig.restart(async () => {
      await title('画面を隠しました');
      await page.getByText('自動でつなぎ直しています').waitFor();
      expect(await page.getByText('見本 花子').count()).toBe(0);
      await inspect('19-hidden');
    });
    await title('職員サインイン');
    await page.getByText('サインインの時間が切れました。').waitFor();
    expect(await page.getByText('見本 花子').count()).toBe(0);
    await signIn();
    await title('SAM を解除します');
    // While it was away the browser complained of each try.
    counter.faults.length = 0;
  });

  test('an appliance that is not heard any more, as behind a pulled cable, hides the patients until it is', async () => {
    const { page, click, title, signIn } = counter;
    await page.clock.install();
    await page.reload();
    await signIn();
    await click('今日の受付');
    await title('今日の受付');
    await page.route('**/v1/events', (route) => route.abort());
    await page.clock.fastForward(41_000);
    await title('画面を隠しました');
    await page.unroute('**/v1/events');
    await page.clock.fastForward(3_000);
    await title('今日の受付');
    // While it was away the browser complained of each try.
    counter.faults.length = 0;
  });

  test('a lost appliance is shown and found again by itself', async () => {
    const { rig, context, page, title } = counter;
    await title('職員サインイン');
    await context.setOffline(true);
    // An open stream outlives the switch; a server that ends it does what a reboot does.
    await rig.api.close();
    await page.getByText('装置とつながっていません。').waitFor();
    // What was last heard of it is not how it is.
    expect(await page.getByText('オンライン').count()).toBe(0);
    expect(await page.getByText('正常').count()).toBe(0);
    await inspect('18-lost');
    // A page that is still open may try again, and fail again, at any moment.
    await page.close();
    counter.faults.length = 0;
  });
});
