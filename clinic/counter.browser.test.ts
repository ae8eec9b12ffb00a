/** A person does whole visits in a browser, in a whole clinic: nothing on the way is scripted. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ERRORS } from '#contract/errors.ts';
import { buildPrograms } from './testing/appliance-process.ts';
import { BUILT_UI, type CounterScreen, openCounterScreen } from './testing/counter-screen.ts';
import { DOCTOR, TrialClinic } from './testing/trial-clinic.ts';
import { enterWorld } from './world.ts';

let trial: TrialClinic;
let screen: CounterScreen;

beforeAll(async () => {
  buildPrograms();
  trial = await TrialClinic.open({ uiFolder: BUILT_UI, signedIn: false });
  screen = await openCounterScreen(trial.clinic.appliance.url);
});
afterAll(async () => {
  await screen.close();
  await trial.close();
});

async function inspect(name: string): Promise<void> {
  expect(await screen.inspect(name), name).toEqual([]);
  expect(screen.faults).toEqual([]);
}

async function signIn(): Promise<void> {
  const { page, click, title } = screen;
  const operator = trial.clinic.wallet.get(DOCTOR)?.person;
  await title('職員サインイン');
  await trial.place(DOCTOR);
  await page.getByLabel('HPKIカード').check();
  await page.getByLabel('暗証番号').fill(operator?.pin ?? '');
  await click('サインイン');
  await title('受付できます');
  await page.getByText(operator?.name ?? '').waitFor();
  await trial.clinic.control.run('remove');
}

/** From the big button to the question whether this is the person. */
async function untilFaceCheck(card: string): Promise<void> {
  await untilPlaceCard();
  await trial.place(card);
  await screen.title('本人ですか？');
}

async function untilPlaceCard(): Promise<void> {
  const { click, title } = screen;
  await trial.clinic.control.run('remove');
  await title('受付できます');
  await click('受付を始める');
  await title('カードを読み取ってよいですか');
  await click('はい、OK');
  await title('カードを置いてください');
}

describe('the counter page in a whole clinic', () => {
  it('refuses a wrong PIN with the tries that are left, and keeps none of it', async () => {
    const { page, click, title } = screen;
    await title('職員サインイン');
    await inspect('clinic-01-sign-in');
    await trial.place(DOCTOR);
    await page.getByLabel('HPKIカード').check();
    await page.getByLabel('暗証番号').fill('9999');
    await click('サインイン');
    await page.getByText(ERRORS['operator.pin-wrong'].ja.title).waitFor();
    await page.getByText(/残り \d+ 回/).waitFor();
    expect(await page.getByLabel('暗証番号').inputValue()).toBe('');
    await inspect('clinic-02-pin-wrong');
  });

  it('first visit: consent, progress, the photo of the card, the insurance, the patient number, today’s list', async () => {
    const { page, click, title } = screen;
    await signIn();
    await inspect('clinic-03-ready');
    const taro = trial.clinic.wallet.get('mihon-taro')?.person;
    await page.getByLabel('照合番号B（14桁）').fill(taro?.verificationNumberB ?? '');
    await click('受付を始める');
    await title('カードを読み取ってよいですか');
    await page.getByText('見本せきしょ診療所').waitFor();
    await inspect('clinic-04-consent');
    await click('はい、OK');
    await title('カードを置いてください');
    await inspect('clinic-05-place-card');
    // Slow enough to be seen.
    await trial.clinic.control.run('fault slow 150');
    await trial.place('mihon-taro');
    await title('読み取っています');
    await page.getByText('カードが医療機関を確かめる').waitFor();
    await inspect('clinic-06-reading');
    await title('本人ですか？');
    await trial.clinic.control.run('clear');
    const photo = page.getByAltText('カードの顔写真');
    await expect
      .poll(() => photo.evaluate((image: HTMLImageElement) => image.naturalWidth))
      .toBeGreaterThan(100);
    await inspect('clinic-07-face-check');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText('有効', { exact: true }).waitFor();
    // By the insurance, and by the card for the registration of a new patient.
    await page.getByText('新しい患者さんの登録').waitFor();
    await expect.poll(() => page.getByText(taro?.name ?? '').count()).toBe(2);
    await page.getByText('今、センターで確認しました').waitFor();
    await inspect('clinic-08-result');
    await page.getByLabel('患者番号').fill('00012345');
    await click('登録する');
    await page.getByText('患者番号を登録しました。').waitFor();
    await inspect('clinic-09-linked');
    await click('次の患者さんへ');
    await title('受付できます');
    expect(await page.content()).not.toContain(taro?.name);
    await page.getByRole('button', { name: '今日の受付' }).click();
    await page.getByRole('row', { name: /00012345/ }).waitFor();
    await inspect('clinic-10-today');
    const [visit] = trial.clinic.centre.visits.newest(1, 0);
    expect(visit?.record).toMatchObject({ faceCheck: 'card-photo', eligibility: 'valid', mode: 'online' });
    await page.getByRole('button', { name: '受付', exact: true }).click();
  });

  it('second visit: the patient number stands beside the card ID, nothing is asked again', async () => {
    const { page, click, title } = screen;
    await untilFaceCheck('mihon-taro');
    await page.getByText('カードに印刷された写真').waitFor();
    await inspect('clinic-11-face-check-printed');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText('00012345').waitFor();
    expect(await page.getByLabel('患者番号').count()).toBe(0);
    await inspect('clinic-12-known-patient');
    await click('次の患者さんへ');
  });

  it('a certificate that was revoked: no face, no insurance, and what to do now', async () => {
    const { page, click } = screen;
    await untilPlaceCard();
    await trial.place('P0007');
    const { title: what, next } = ERRORS['patient.revoked-affiliation-changed'].ja;
    await page.getByText(what).first().waitFor();
    await page.getByText(next).first().waitFor();
    expect(await page.getByAltText('カードの顔写真').count()).toBe(0);
    await inspect('clinic-13-revoked');
    await click('最初の画面へ');
    await trial.clinic.control.run('remove');
  });

  it('the card taken away in the middle: says to tap again, and the next try works', async () => {
    const { page, click, title } = screen;
    await trial.clinic.control.run('fault remove-after 6');
    await untilPlaceCard();
    await trial.place('mihon-hanako');
    await page.getByText(ERRORS['card.removed'].ja.title).first().waitFor();
    await inspect('clinic-14-card-removed');
    await trial.clinic.control.run('clear');
    await click('もう一度始める');
    await title('カードを読み取ってよいですか');
    await click('はい、OK');
    await title('カードを置いてください');
    await trial.place('mihon-hanako');
    await title('本人ですか？');
    await click('同じ人です');
    await title('受付しました');
    await click('次の患者さんへ');
  });

  it('offline: the page says so, the visit is received, shown as open, and settled when the centre is back', async () => {
    const { page, click, title } = screen;
    enterWorld(trial.clinic.centre, 'offline');
    await untilFaceCheck('mihon-taro');
    await click('同じ人です');
    await title('受付しました');
    await page.getByText(/^前回（.*の情報です/).waitFor();
    await page.getByText('センターにつながっていません').waitFor();
    await inspect('clinic-15-offline');
    await click('次の患者さんへ');
    await page.getByRole('button', { name: /^未確認/ }).click();
    await title('未確認の受付');
    await page.getByRole('row', { name: /00012345/ }).waitFor();
    await inspect('clinic-16-unresolved');
    enterWorld(trial.clinic.centre, 'online');
    await page.getByText('センターにつながっていません').waitFor({ state: 'detached' });
    await page
      .getByRole('row', { name: /00012345/ })
      .getByRole('button')
      .click();
    await page.getByRole('row', { name: /00012345/ }).waitFor({ state: 'detached' });
    await inspect('clinic-17-settled');
  });

  it('signs out, and nothing of anybody is left', async () => {
    const { page, click, title } = screen;
    await click('サインアウト');
    await title('職員サインイン');
    const content = await page.content();
    for (const id of ['mihon-taro', 'mihon-hanako', DOCTOR]) {
      expect(content).not.toContain(trial.clinic.wallet.get(id)?.person.name);
    }
    // What stays names the browser, not a person: whose wait at the reader it is.
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name }) => name)).toEqual(['__Host-sekisho-screen']);
    expect(await trial.verifyEvidence()).toMatchObject({ ok: true, visitsUnstamped: 0 });
  });
});
