/** The counter page in a real browser: whole visits, other ways to one, language, keyboard, small screens. */
import { describe, expect, test } from 'vitest';
import { sampleCardAttributes, sampleVisit } from '#api/testing/scripted-samples.ts';
import { type CounterPage, useCounterPages } from './testing/counter-browser.ts';

let counter: CounterPage;
const inspect = useCounterPages((page) => {
  counter = page;
});

/** The longest question there is. */
async function askThePatient(): Promise<void> {
  const { page, click, title, signIn, unlock } = counter;
  await signIn();
  await unlock();
  await page.getByLabel('限度額の情報も確認する').check();
  await page.getByLabel('照合番号B').fill('12345678901234');
  await click('受付を始める');
  await title('カードを読み取ってよいですか');
}

describe('a whole visit by clicks', () => {
  test('sign-in, unlock, consent, photo, result, patient number, history', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    rig.gateway.cardIsWaiting = false;
    rig.gateway.attributesToCome = { cardAttributes: sampleCardAttributes };
    await title('職員サインイン');
    await inspect('01-sign-in');
    await signIn();
    await title('SAM を解除します');
    await inspect('02-unlock');
    await unlock();
    await title('受付できます');
    await page.getByLabel('照合番号B（14桁）').fill('12345678901234');
    await page.getByLabel('限度額の情報も確認する').check();
    await inspect('03-start');
    await click('受付を始める');
    await title('カードを読み取ってよいですか');
    expect(await page.getByRole('navigation').count()).toBe(0);
    await page.getByText('氏名、住所、生年月日、性別も読み取ります').waitFor();
    await inspect('04-consent');
    await click('はい、OK');
    await title('カードを置いてください');
    await inspect('05-place-card');
    rig.gateway.advanceTap('reading', [
      { name: 'find-card', state: 'done', ms: 112 },
      { name: 'select-application', state: 'done', ms: 21 },
      { name: 'sam-sign', state: 'done', ms: 180 },
      { name: 'read-certificate', state: 'done', ms: 96 },
      { name: 'organisation-authentication', state: 'running' },
    ]);
    await title('読み取っています');
    await page.getByText('カードが医療機関を確かめる').waitFor();
    await inspect('06-reading');
    rig.gateway.placeCard();
    await title('本人ですか？');
    const photo = page.getByAltText('カードの顔写真');
    await expect.poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(240);
    await inspect('07-face-check');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText('見本 花子').first().waitFor();
    await page.getByText('新しい患者さんの登録').waitFor();
    await page.getByText('東京都架空区見本町一丁目２番３号').waitFor();
    await page.getByText('あと48日で切れます').waitFor();
    await page.getByText('R1-7ZK3M-9QX2T-C4HBN-5VJ8W-D6FA*').waitFor();
    await inspect('08-result-first-visit');
    await page.getByLabel('患者番号').fill('00012345');
    await click('登録する');
    await page.getByText('患者番号を登録しました。').waitFor();
    await inspect('09-result-linked');
    await click('次の患者さんへ');
    await title('受付できます');
    expect(await page.content()).not.toContain('見本 花子');
    expect(await page.content()).not.toContain(sampleCardAttributes.address);
    await page.getByRole('button', { name: '今日の受付' }).click();
    await page.getByRole('row', { name: /00012345/ }).waitFor();
    await inspect('10-today');
    await page.getByRole('button', { name: /開く$/ }).click();
    await title('受付しました');
    expect(await page.content()).not.toContain(sampleCardAttributes.address);
    expect(rig.gateway.calls.slice(0, 5)).toEqual([
      'signIn my-number counter acceptLastTry=false',
      'unlockOnline counter',
      'startTap limitInfo=true photo=true',
      'decideConsent ok',
      'recordFaceCheck card-photo match',
    ]);
  });

  test('without 照合番号B the printed photo is compared, and that is what is recorded', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    await signIn();
    await unlock();
    await click('受付を始める');
    await click('はい、OK');
    await title('本人ですか？');
    await page.getByText('カードに印刷された写真').waitFor();
    await inspect('11-face-check-printed');
    await click('同じ人です');
    await title('受付しました');
    expect(rig.gateway.calls.at(-1)).toBe('recordFaceCheck printed-photo match');
  });

  test('with the PIN for card details: the page says why there are none', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    rig.gateway.attributesToCome = { cardAttributesMissing: 'patient.pin-wrong' };
    await signIn();
    await unlock();
    await page.getByLabel('券面入力補助用の暗証番号（4桁）').fill('1234');
    await click('受付を始める');
    expect(await page.content()).not.toContain('1234');
    await click('はい、OK');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText('カードの氏名・住所は読み取れませんでした').waitFor();
    await inspect('30-result-no-attributes');
  });

  test('offline: the page says so everywhere, and the result is the last known one', async () => {
    const { rig, page, click, title, signIn } = counter;
    const visit = sampleVisit();
    const { certificate: _certificate, ...rest } = visit;
    rig.gateway.visitToCome = {
      ...rest,
      mode: 'offline',
      patientNumber: '00012345',
      visitRecord: 'queued',
      eligibility: {
        ...visit.eligibility,
        source: 'last-known',
        reason: 'eligibility.unavailable',
        changes: [],
      },
      unresolved: ['revocation', 'eligibility'],
    };
    const centre = {
      serviceProvider: false,
      revocation: false,
      revocationLists: false,
      eligibility: false,
      history: false,
    };
    rig.gateway.change({ mode: 'offline', outboxWaiting: 3 }, { centre });
    await signIn();
    await title('SAM を解除します');
    await page.getByLabel('暗証番号').fill('1234');
    await inspect('12-unlock-offline');
    await click('職員カードで解除');
    await click('受付を始める');
    await click('はい、OK');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText(/^前回（.*の情報です/).waitFor();
    await inspect('13-result-offline');
    expect(rig.gateway.pins.map(({ copy }) => copy)).toEqual(['1234', '1234']);
  });
});

describe('other ways', () => {
  test('by insured number, with the error of the table when a check digit is wrong', async () => {
    const { rig, page, click, title, signIn, unlock } = counter;
    await signIn();
    await unlock();
    await title('受付できます');
    await click('番号で確認');
    await title('番号で資格を確認');
    await page.getByLabel('保険者番号').fill('110829');
    await page.getByLabel('番号', { exact: true }).fill('4567');
    await page.getByLabel('生年月日').fill('19480315');
    await page.getByLabel('患者番号').fill('777');
    rig.gateway.refuseNext('visitByInsuredNumber', 'insured-number.check-digit');
    await click('確認する');
    await page.getByText('番号の検証数字が合いません。').waitFor();
    await inspect('19-by-number');
    expect(await page.getByLabel('番号', { exact: true }).inputValue()).toBe('4567');
    rig.gateway.visitToCome = { ...rig.gateway.visitToCome, unresolved: ['eligibility'] };
    await click('確認する');
    await title('受付しました');
    await page.getByText('番号は保存しました。').waitFor();
    await page.getByText('777').waitFor();
    expect(rig.gateway.calls.at(-1)).toBe('visitByInsuredNumber insurer of 8 characters');
  });

  test('the unresolved list, with age and reason, and the button that closes one', async () => {
    const { page, title, signIn } = counter;
    await signIn();
    await page.getByRole('button', { name: /^未確認/ }).click();
    await title('未確認の受付');
    await page.getByText('センターにつながりません。').waitFor();
    await page.getByText('番号を保存済み').waitFor();
    await inspect('20-unresolved');
    await page
      .getByRole('button', { name: /今すぐ確認$/ })
      .first()
      .click();
    await expect.poll(() => page.getByRole('row').count()).toBe(2);
  });

  test('a visit whose number only a person knows is opened from the list, and left for the list', async () => {
    const { rig, page, click, title, signIn } = counter;
    const { visitId } = rig.gateway.unresolved[1]!;
    rig.gateway.visits.push({ ...sampleVisit(), visitId });
    await signIn();
    await page.getByRole('button', { name: /^未確認/ }).click();
    await page.getByRole('button', { name: /番号を登録$/ }).click();
    await page.getByLabel('患者番号').fill('00012345');
    await click('登録する');
    await page.getByText('患者番号を登録しました。').waitFor();
    await click('次の患者さんへ');
    await title('未確認の受付');
    await page.getByText('センターにつながりません。').waitFor();
  });

  test('what is on the screen follows what the appliance does meanwhile', async () => {
    const { rig, page, signIn } = counter;
    const records = (text: string) => page.getByRole('cell', { name: text, exact: true });
    rig.gateway.visits = [{ ...sampleVisit(), visitRecord: 'queued' }];
    await signIn();
    await page.getByRole('button', { name: '今日の受付' }).click();
    await records('送信待ち').waitFor();
    rig.gateway.visits = [sampleVisit(), ...rig.gateway.visits];
    rig.gateway.change({ outboxWaiting: 2 });
    await records('送信済み').waitFor();
    await inspect('10-today-waiting');
    await page.getByRole('button', { name: /開く$/ }).last().click();
    const record = page.getByRole('definition').getByText('送信待ち');
    await record.waitFor();
    await page.getByLabel('患者番号').fill('half typed');
    rig.gateway.visits = rig.gateway.visits.map((visit) => ({ ...visit, visitRecord: 'delivered' }));
    rig.gateway.change({ outboxWaiting: 0 });
    await record.waitFor({ state: 'detached' });
    expect(await page.getByLabel('患者番号').inputValue()).toBe('half typed');
  });

  test('English, remembered over a reload; the session is remembered too', async () => {
    const { page, click, title, signIn, unlock } = counter;
    await signIn();
    await unlock();
    await click('English');
    await title('Ready');
    await page.reload();
    await title('Ready');
    expect(await page.locator('html').getAttribute('lang')).toBe('en');
    await inspect('21-english-start');
    await click('Start');
    await inspect('22-english-consent');
    await click('Yes, OK');
    await click('Same person');
    await title('Received');
    await inspect('23-english-result');
    await click('日本語');
    await title('受付しました');
  });

  test('with the keyboard alone, from sign-in to result', async () => {
    const { page, title } = counter;
    const press = async (...keys: string[]): Promise<void> => {
      for (const key of keys) await page.keyboard.press(key);
    };
    const tabTo = async (name: string): Promise<void> => {
      for (let count = 0; count < 30; count += 1) {
        const focused = await page.evaluate(
          () => document.activeElement?.textContent || document.activeElement?.id,
        );
        if (focused === name) return;
        await press('Tab');
      }
      throw new Error(`no way to ${name} by keyboard`);
    };
    await title('職員サインイン');
    await tabTo('field-pin');
    await page.keyboard.type('1234');
    await press('Enter');
    await title('SAM を解除します');
    await tabTo('オンラインで解除');
    await press('Enter');
    await title('受付できます');
    await tabTo('受付を始める');
    await press('Enter');
    await title('カードを読み取ってよいですか');
    // Enter on the fresh screen must not answer for the patient.
    await press('Enter');
    await title('カードを読み取ってよいですか');
    await tabTo('はい、OK');
    await press('Space');
    await title('本人ですか？');
    await tabTo('同じ人です');
    await press('Enter');
    await title('受付しました');
  });

  test.each([
    ['a tablet', 768, 1024],
    ['a notebook', 1366, 768],
  ])('on %s the patient and the clerk decide without scrolling', async (_name, width, height) => {
    const { page, click, title } = counter;
    await page.setViewportSize({ width, height });
    const bottomOf = (name: string): Promise<number> =>
      page
        .getByRole('button', { name, exact: true })
        .evaluate((button) => button.getBoundingClientRect().bottom);
    await askThePatient();
    expect(await bottomOf('はい、OK')).toBeLessThan(height);
    expect(await bottomOf('いいえ')).toBeLessThan(height);
    await click('はい、OK');
    await title('本人ですか？');
    await page.getByAltText('カードの顔写真').waitFor();
    expect(await bottomOf('同じ人です')).toBeLessThan(height);
    expect(await bottomOf('ちがう人です')).toBeLessThan(height);
  });

  test.each([
    ['日本語', ['はい、OK', 'いいえ']],
    ['English', ['Yes, OK', 'No']],
  ])(
    'on a phone held upright the patient reads all of it and answers without scrolling: %s',
    async (language, answers) => {
      const { page, click } = counter;
      const [width, height] = [360, 740];
      await page.setViewportSize({ width, height });
      await askThePatient();
      if (language === 'English') await click('English');
      await page.evaluate(() => window.scrollTo(0, 0));
      const question = page.locator('h1, .consent-text');
      expect(await question.count()).toBe(4);
      for (const shown of [
        ...(await question.all()),
        ...answers.map((name) => page.getByRole('button', { name, exact: true })),
      ]) {
        const box = (await shown.boundingBox())!;
        const text = await shown.textContent();
        expect(Math.min(box.x, box.y), `${text} begins`).toBeGreaterThanOrEqual(0);
        expect(box.x + box.width, `${text} ends on the right`).toBeLessThanOrEqual(width);
        expect(box.y + box.height, `${text} ends below`).toBeLessThanOrEqual(height);
        const fontPx = await shown.evaluate((element) =>
          Number.parseFloat(getComputedStyle(element).fontSize),
        );
        expect(fontPx, `${text} is large`).toBeGreaterThanOrEqual(21);
      }
    },
  );
});
