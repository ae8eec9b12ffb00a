/** Serves the card table on the loopback address only; it exists in the development clinic and nowhere else. */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { SekishoError } from '#contract/errors.ts';
import type { VirtualPanel } from '#drivers/panel/virtual-panel.ts';
import type { CardControl } from '#drivers/simulated/control.ts';
import { renderTable, type TableCard } from './page.ts';

export interface CardTableServer {
  readonly url: string;
  close(): Promise<void>;
}

const MAX_FORM_BYTES = 1_024;

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MAX_FORM_BYTES) break;
  }
  return new URLSearchParams(text.slice(0, MAX_FORM_BYTES));
}

/** Any page in the browser could post here: only forms from the table itself are believed. */
function isOwnForm(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  return origin === undefined || origin === `http://${host}`;
}

function pressKey(panel: VirtualPanel, key: string): void {
  if (key === 'unplug') panel.unplug();
  else if (key === 'plug-in') panel.plugIn();
  else if (key === 'ok' || key === 'cancel' || key === 'back') panel.press(key);
  else if (/^\d$/.test(key)) panel.press(key.charCodeAt(0));
}

export async function startCardTable(
  control: CardControl,
  panel: VirtualPanel,
  cards: readonly TableCard[],
  counterUrl: string,
  port: number,
): Promise<CardTableServer> {
  const server = createServer((request, response) => {
    const run = async (): Promise<void> => {
      if (request.method === 'POST' && isOwnForm(request)) {
        const form = await readForm(request);
        if (request.url === '/key') pressKey(panel, form.get('key') ?? '');
        else await control.run(request.url === '/place' ? `insert ${form.get('card') ?? ''}` : 'remove');
        response.writeHead(303, { location: '/' }).end();
        return;
      }
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' });
      response.end(renderTable(cards, control.inserted, panel.isReady, counterUrl));
    };
    run().catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(new SekishoError('config.address-unusable', { cause })));
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
