/** The pages of administrators in a real browser: the roster, its changes, and who asked for what. */
import { beforeEach, expect, test } from 'vitest';
import { sampleOperator } from '#api/testing/scripted-samples.ts';
import { type CounterPage, useCounterPages } from './testing/counter-browser.ts';

let counter: CounterPage;
const inspect = useCounterPages((page) => {
  counter = page;
});

beforeEach(() => {
  counter.rig.gateway.operator = { ...sampleOperator, roles: ['clerk', 'administrator'] };
});

async function openStaff(): Promise<void> {
  const { signIn, click, title } = counter;
  await signIn();
  await title('SAM を解除します');
  await click('職員');
  await title('職員の名簿');
}

async function confirmWith(pin: string): Promise<void> {
  await counter.page.getByLabel('暗証番号').fill(pin);
  await counter.click('確認して変更する');
}

test('somebody new: the card, what it says, name and roles, the own card; the PIN leaves the page', async () => {
  const { rig, page, click, title } = counter;
  await openStaff();
  await inspect('40-staff');
  await click('職員を追加');
  await title('職員を追加');
  await page.getByLabel('HPKI').check();
  await inspect('41-staff-read-card');
  await click('カードを読み取る');
  await page.getByText('General Nurse').waitFor();
  await page.getByText('2029年3月31日').waitFor();
  await page.getByLabel('氏名').fill('架空 看護子');
  await inspect('42-staff-confirm');
  await confirmWith('1234');
  await page.getByText('職種・権限を一つ以上選んでください。').waitFor();
  expect(await page.getByLabel('氏名').inputValue()).toBe('架空 看護子');
  expect(await page.getByLabel('暗証番号').inputValue()).toBe('');
  await page.getByLabel('看護師').check();
  await inspect('43-staff-no-role');
  await confirmWith('1234');
  await page.getByText('変更しました。').waitFor();
  await page.getByRole('row', { name: /架空 看護子/ }).waitFor();
  await inspect('44-staff-added');
  expect(rig.gateway.calls.at(-1)).toBe('operators.change add b0b1b2b3b4b5b6b7');
  expect(rig.gateway.pins.at(-1)?.copy).toBe('1234');
});

test('a card that is on the roster is named, and not added again', async () => {
  const { rig, page, click, title } = counter;
  const [, listed] = rig.gateway.operators.roster.operators;
  rig.gateway.operators.cardToCome = { ...rig.gateway.operators.cardToCome, listed: listed! };
  await openStaff();
  await click('職員を追加');
  await click('カードを読み取る');
  await page.getByText('すでに名簿にあります').waitFor();
  await inspect('45-staff-listed');
  expect(await page.getByRole('button', { name: '確認して変更する' }).count()).toBe(0);
  await click('名簿に戻る');
  await title('職員の名簿');
});

test('suspend, reinstate, other roles, remove: each says what will happen before it asks for the card', async () => {
  const { rig, page, click } = counter;
  await openStaff();
  await click('架空 医志 停止');
  await page.getByText('架空 医志 さんを停止します。').waitFor();
  await inspect('46-staff-suspend');
  await confirmWith('1234');
  await page.getByText('停止中').waitFor();
  await click('架空 医志 再開');
  await confirmWith('1234');
  await expect.poll(() => page.getByText('停止中').count()).toBe(0);
  await click('架空 医志 権限を変える');
  expect(await page.getByLabel('医師').isChecked()).toBe(true);
  await page.getByLabel('管理者').check();
  await inspect('47-staff-roles');
  await confirmWith('1234');
  await page.getByText('管理者・医師').waitFor();
  await click('架空 医志 名簿から外す');
  await confirmWith('1234');
  await expect.poll(() => page.getByRole('row').count()).toBe(2);
  const asked = rig.gateway.calls.filter((call) => call.startsWith('operators.change'));
  expect(asked.map((call) => call.split(' ')[1])).toEqual(['suspend', 'reinstate', 'change-roles', 'remove']);
});

test('a refusal says what to do; an older roster is read anew', async () => {
  const { rig, page, click, title } = counter;
  await openStaff();
  await click('架空 医志 停止');
  rig.gateway.operators.refuseNext('operator.wrong-card');
  await confirmWith('1234');
  await page.getByText('サインインしている管理者のカードではありません。').waitFor();
  await inspect('48-staff-wrong-card');
  rig.gateway.operators.refuseNext('roster.outdated');
  rig.gateway.operators.roster = { ...rig.gateway.operators.roster, version: 9, operators: [] };
  await confirmWith('1234');
  await page.getByText('名簿がほかで変更されています。').waitFor();
  await title('職員の名簿');
  expect(await page.getByRole('row').count()).toBe(1);
});

test('who asked for what on a day, the newest first', async () => {
  const { rig, page, click, title } = counter;
  await openStaff();
  await click('操作の記録');
  await title('操作の記録');
  const rows = page.getByRole('row');
  await expect.poll(() => rows.count()).toBe(4);
  expect(await rows.nth(1).textContent()).toContain('ある日の操作の記録');
  expect(await rows.nth(3).textContent()).toContain('職員カードと暗証番号でサインインする');
  expect(await page.getByRole('cell', { name: '受付画面', exact: true }).count()).toBe(3);
  await inspect('49-access-log');
  const [signIn] = rig.gateway.noted;
  rig.gateway.noted.push({ ...signIn!, screen: 'phone-2' });
  await page.getByLabel('日付').fill('2026-01-02');
  await click('表示する');
  await expect.poll(() => rows.count()).toBe(6);
  expect(await rows.nth(1).textContent()).toContain('2026-01-02');
  // Who has no words for a screen says its name.
  await rows.nth(2).getByRole('cell', { name: 'phone-2', exact: true }).waitFor();
  await click('English');
  await page.getByRole('cell', { name: 'Counter page', exact: true }).first().waitFor();
});

test('nobody else sees these pages, and the next one does not inherit them', async () => {
  const { rig, page, click, title, signIn } = counter;
  await openStaff();
  rig.gateway.endSession();
  await title('職員サインイン');
  rig.gateway.operator = { ...sampleOperator, roles: ['doctor'] };
  await signIn();
  await title('SAM を解除します');
  expect(await page.getByRole('button', { name: '職員', exact: true }).count()).toBe(0);
  expect(await page.content()).not.toContain('架空 医志');
  await click('今日の受付');
  await title('今日の受付');
});
