/** The page of the card table: simulated cards to put on the reader, for people who try the clinic on a laptop. */

export interface TableCard {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly pin: string;
  readonly numberB: string;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function cardButton(card: TableCard, placed: string | undefined): string {
  const here = card.id === placed;
  return `<li><form method="post" action="/place"><button name="card" value="${escapeHtml(card.id)}"${here ? ' aria-pressed="true"' : ''}>
<strong>${escapeHtml(card.name)}</strong><span>${escapeHtml(card.kind)}</span>
<small>暗証番号 PIN ${escapeHtml(card.pin)}${card.numberB === '' ? '' : `　照合番号B ${escapeHtml(card.numberB)}`}</small>
</button></form></li>`;
}

const KEYS = [
  ...['1', '2', '3', '4', '5', '6', '7', '8', '9'].map((digit) => [digit, digit] as const),
  ['back', '訂正 / back'],
  ['0', '0'],
  ['cancel', '取消 / cancel'],
  ['ok', 'OK'],
] as const;

function keypad(isPluggedIn: boolean): string {
  const keys = KEYS.map(
    ([key, label]) => `<button name="key" value="${key}"${isPluggedIn ? '' : ' disabled'}>${label}</button>`,
  ).join('');
  const plug = isPluggedIn ? ['unplug', '抜く / unplug'] : ['plug-in', '差し込む / plug in'];
  return `<h2>本体のキーパッド <small lang="en">Keypad of the box</small></h2>
<form method="post" action="/key" class="keys">${keys}<button name="key" value="${plug[0]}">${plug[1]}</button></form>`;
}

export function renderTable(
  cards: readonly TableCard[],
  placed: string | undefined,
  isPanelPluggedIn: boolean,
  counterUrl: string,
): string {
  const where =
    placed === undefined ? 'カードはありません / no card' : `置かれているカード / on the reader: ${placed}`;
  return `<!doctype html><html lang="ja"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>カード置き場 / Card table</title><style>
body{font:1.1rem/1.6 system-ui,"Noto Sans CJK JP",sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;background:#f6f4ef}
ul{display:grid;grid-template-columns:repeat(auto-fill,minmax(17rem,1fr));gap:1rem;padding:0;list-style:none}
button{font:inherit;text-align:left;width:100%;padding:1rem;border:2px solid #555;border-radius:.8rem;background:#fff;cursor:pointer}
button[aria-pressed]{border-color:#0b5d2e;background:#e3f2e8}
.keys{display:grid;grid-template-columns:repeat(3,8rem);gap:.5rem}.keys button{text-align:center}
strong,span,small{display:block}small{color:#444}
</style><h1>カード置き場 <small lang="en">Card table</small></h1>
<p>ここは模擬カードです。ボタンでリーダーに置きます。<br><span lang="en">These cards are simulated. A button puts one on the reader.</span></p>
<p role="status"><strong>${escapeHtml(where)}</strong></p>
<form method="post" action="/remove"><button>カードを取る / Take the card away</button></form>
<ul>${cards.map((card) => cardButton(card, placed)).join('')}</ul>
${keypad(isPanelPluggedIn)}
<p><a href="${escapeHtml(counterUrl)}">受付画面 / Counter page</a></p></html>`;
}
