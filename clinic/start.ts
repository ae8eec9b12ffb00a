/** `npm start`: a whole clinic to try: centre, simulated cards, one appliance, the counter page. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isSekishoError } from '#contract/errors.ts';
import { VirtualPanel } from '#drivers/panel/virtual-panel.ts';
import type { TableCard } from './card-table/page.ts';
import { startCardTable } from './card-table/server.ts';
import { type Clinic, startClinic } from './clinic.ts';
import { CommandProblem, oneOf, portOf, runCommand } from './command.ts';
import { isPrivatePcscdAvailable, READER_KINDS, type ReaderKind } from './readers.ts';
import { STATE_FOLDER } from './state-folder.ts';

const USAGE = `npm start -- [OPTION …]

  診療所をまるごと一つ始めます。終了は Ctrl+C / a whole clinic to try; Ctrl+C ends it

  --port N          受付画面のポート / port of the counter page (8443)
  --cards-port N    カード置き場のポート / port of the card table (8444)
  --monitor-port N  受診履歴のポート / port of the visit monitor (8445)
  --reader READER   inprocess | pcsc | pn532: カードリーダー。pcscd と vpcd があれば pcsc、なければ inprocess
                    card reader (pcsc when pcscd and vpcd are installed, otherwise inprocess)
  --verbose         装置のログも出す / show the log of the appliance, too

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
終了コード: 0 終了した、1 始められなかった、2 書き方の誤り
Exit code: 0 ended, 1 it could not begin, 2 wrongly written.`;
const UI_FOLDER = fileURLToPath(new URL('../ui', import.meta.url));

const KIND_TEXT: Readonly<Record<string, string>> = {
  patient: '患者 / patient',
  doctor: '医師 / doctor (HPKI)',
  nurse: '看護師 / nurse (HPKI)',
  clerk: '事務 / clerk (My Number Card)',
};

function tableCards(clinic: Clinic): TableCard[] {
  return [...clinic.wallet].map(([id, { person }]) => ({
    id,
    name: person.name,
    kind: `${KIND_TEXT[person.part] ?? person.part} · ${person.variant}`,
    pin: person.pin,
    numberB: person.part === 'patient' ? person.verificationNumberB : '',
  }));
}

function chooseReader(wished: string | undefined): ReaderKind {
  if (wished !== undefined) return oneOf('--reader', READER_KINDS, wished);
  return isPrivatePcscdAvailable() ? 'pcsc' : 'inprocess';
}

const READER_TEXT: Readonly<Record<ReaderKind, string>> = {
  pcsc: 'カードは本物の pcscd (vpcd) の向こう側 / cards behind a real pcscd (vpcd)',
  inprocess: 'カードはプログラムの中 / cards in process (pcscd, vsmartcard-vpcd not installed)',
  pn532: 'カードは模擬 PN532 のアンテナの上 / cards on the antenna of an emulated PN532',
};

function announce(clinic: Clinic, cardTableUrl: string): void {
  const reader = READER_TEXT[clinic.readers.kind];
  const lines = [
    '',
    '  関所 Sekisho: 診療所が始まりました / the clinic is open',
    '',
    `  受付画面 Counter page   ${clinic.appliance.url}`,
    `  カード置き場 Card table  ${cardTableUrl}`,
    `  受診履歴 Visit monitor  ${clinic.centre.urls.monitor}`,
    `  アンカー Anchor         UDP 127.0.0.1:${clinic.anchor.port}`,
    '',
    `  ${reader}`,
    '  1. カード置き場で「架空　医志」を置き、受付画面で HPKI・暗証番号 1470 でサインイン',
    '     Put 架空　医志 on the reader, sign in on the counter page: HPKI, PIN 1470',
    '  2. 「見本　太郎」を置いて受付を始め、OK を押す / put 見本　太郎 on the reader, start a tap, press OK',
    '',
    '  ブラウザーは自己署名の警告を出します。開発用の認証局です。',
    '  The browser warns of the certificate: it is from the development authority.',
    '  終了 Stop: Ctrl+C',
    '',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}

async function run(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...words],
    options: {
      port: { type: 'string', default: '8443' },
      'cards-port': { type: 'string', default: '8444' },
      'monitor-port': { type: 'string', default: '8445' },
      reader: { type: 'string' },
      verbose: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const cardsPort = portOf('--cards-port', values['cards-port'], 0);
  const panel = new VirtualPanel();
  const clinic = await startClinic({
    stateFolder: STATE_FOLDER,
    reader: chooseReader(values.reader),
    timing: 'real',
    port: portOf('--port', values.port, 0),
    monitorPort: portOf('--monitor-port', values['monitor-port'], 0),
    uiFolder: UI_FOLDER,
    panel,
    log: values.verbose ? (line) => process.stderr.write(line) : undefined,
  });
  try {
    const { url } = clinic.appliance;
    const table = await startCardTable(clinic.control, panel, tableCards(clinic), url, cardsPort);
    announce(clinic, table.url);
    await new Promise<void>((resolve) => {
      process.once('SIGINT', () => resolve());
      process.once('SIGTERM', () => resolve());
    });
    await table.close();
  } finally {
    await clinic.close();
  }
  return 0;
}

/** The commonest mishap: a clinic that runs already. */
function explainTakenPort(thrown: unknown): never {
  if (!isSekishoError(thrown, 'config.address-unusable')) throw thrown;
  const advice = {
    ja: '`npm start` がもう動いていれば終了するか、--port、--cards-port、--monitor-port で別のポートを指定してください。',
    en: 'End the `npm start` that runs already, or choose others with --port, --cards-port and --monitor-port.',
  };
  throw new CommandProblem(thrown.code, advice, thrown.cause);
}

await runCommand(USAGE, (words) => run(words).catch(explainTakenPort));
// Half of a clinic is none: what a failure left open must not keep the program alive.
process.exit();
