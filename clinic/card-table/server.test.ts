import { afterEach, beforeEach, expect, test } from 'vitest';
import { VirtualPanel } from '#drivers/panel/virtual-panel.ts';
import type { CardControl } from '#drivers/simulated/control.ts';
import type { PanelKey } from '#ports/panel.ts';
import { type CardTableServer, startCardTable } from './server.ts';

let table: CardTableServer;
let panel: VirtualPanel;
let keys: PanelKey[];
const commands: string[] = [];
const control = {
  inserted: undefined,
  run: async (command: string) => void commands.push(command),
} as unknown as CardControl;

beforeEach(async () => {
  keys = [];
  commands.length = 0;
  panel = new VirtualPanel();
  panel.listen({ onKey: (key) => keys.push(key), onChange: () => {} });
  table = await startCardTable(control, panel, [], 'https://localhost', 0);
});
afterEach(() => table.close());

const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${table.url}${path}`, {
    method: 'POST',
    body: new URLSearchParams(body),
    headers,
    redirect: 'manual',
  });

test('the keys of the table are the keys of the box', async () => {
  expect(await (await fetch(table.url)).text()).toContain('value="ok"');
  for (const key of ['1', '0', 'back', 'cancel', 'ok', '12', 'x', '']) await post('/key', `key=${key}`);
  expect(keys).toEqual([0x31, 0x30, 'back', 'cancel', 'ok']);
  await post('/key', 'key=unplug');
  expect(panel.isReady).toBe(false);
  expect(await (await fetch(table.url)).text()).toContain('value="plug-in"');
  await post('/key', 'key=plug-in');
  expect(panel.isReady).toBe(true);
  expect(commands).toEqual([]);
});

test('cards are placed and taken away', async () => {
  await post('/place', 'card=mihon-taro');
  await post('/remove', '');
  expect(commands).toEqual(['insert mihon-taro', 'remove']);
});

test('another page in the browser presses nothing', async () => {
  await post('/key', 'key=ok', { origin: 'https://elsewhere.example' });
  expect(keys).toEqual([]);
});
