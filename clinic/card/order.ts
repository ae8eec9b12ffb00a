/** The command line of `npm run -s card`, checked. */
import { parseArgs } from 'node:util';
import { oneOf, portOf, UsageProblem } from '../command.ts';

export const CARD_KINDS = ['my-number', 'hpki', 'sam'] as const;
export type CardKind = (typeof CARD_KINDS)[number];

export type ServeOrder =
  /** `port`: where vpcd listens; undefined is its usual one. */
  | { readonly by: 'vpcd'; readonly port: number | undefined }
  /** `address`: HOST:PORT or a socket that somebody listens on, otherwise the path that a new pty gets. */
  | { readonly by: 'pn532'; readonly address: string };

export type CardOrder =
  | { readonly does: 'help' }
  | { readonly does: 'list' }
  | {
      readonly does: 'card';
      readonly kind: CardKind;
      readonly person: string | undefined;
      /** Serves this file instead of issuing a card. */
      readonly cardFile: string | undefined;
      readonly exportFile: string | undefined;
      /** State of a clinic, whose authorities are used. */
      readonly stateFolder: string | undefined;
      /** Behind what the card is served; undefined: it is only exported. */
      readonly serve: ServeOrder | undefined;
      readonly timing: 'real' | 'zero';
      /** In the words of the control language: `remove-after 3`. */
      readonly faults: readonly string[];
    };

export const USAGE = `npm run -s card -- --vpcd [OPTION …]
npm run -s card -- --pn532 WHERE [OPTION …]
npm run -s card -- --list
npm run -s card -- --export FILE

  --vpcd           模擬カードを本物の pcscd に差し出す / serve a simulated card to a real pcscd
  --pn532 WHERE    模擬 PN532 のアンテナに置く。WHERE は新しい pty のパス（シリアルポートとして開ける）、接続先の
                   HOST:PORT またはソケット / on the antenna of an emulated PN532; WHERE: path of a new pty (a host
                   opens it as a serial line), or HOST:PORT or socket to connect to
  --list           架空の人の一覧 / list the invented people
  --export FILE    カード（または SAM）を FILE に書き出す。鍵はすべて試験用
                   write the card (or SAM) into FILE; all its keys are test keys
  --person ID      だれのカードか。--list にある ID / whose card; see --list (mihon-hanako, or kakuu-ishi for hpki)
  --kind KIND      my-number | hpki | sam: カードの種類 / what kind of card (what the person has)
  --port PORT      vpcd のポート / where vpcd listens (35963, second slot 35964 for a SAM)
  --timing TIMING  zero | real: すぐに答える、または本物のカードの速さで答える
                   answer at once, or as slowly as a real card (zero)
  --fault SPEC     故障を起こす。何度でも指定できる / break something, as often as wanted:
                   remove-after:3, truncate:1:5, answer:27266:2, slow:500 …
                   --pn532 では / with --pn532 also: ack-lost:3, brown-out, wtx-storm:1:1:20 …
                   起動してから help と打つと一覧が出る / type help for the list
  --card FILE      FILE のカード（または SAM）を使い、変わったことを FILE に残す
                   serve the card (or SAM) in FILE and keep it up to date
  --state FOLDER   FOLDER の診療所の認証局で発行する。その診療所のカードと同じになる
                   issue under the authorities of the clinic in FOLDER, as its own cards are (new ones)

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
終了コード: 0 済み、1 できなかった、2 書き方の誤り
Exit code: 0 done, 1 it could not be done, 2 wrongly written.`;

const OPTIONS = {
  vpcd: { type: 'boolean', default: false },
  pn532: { type: 'string' },
  list: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
  person: { type: 'string' },
  kind: { type: 'string' },
  port: { type: 'string' },
  timing: { type: 'string', default: 'zero' },
  fault: { type: 'string', multiple: true },
  card: { type: 'string' },
  export: { type: 'string' },
  state: { type: 'string' },
} as const;

/** Throws `UsageProblem`, or the TypeError of `parseArgs`. */
export function parseCardOrder(words: readonly string[]): CardOrder {
  const { values } = parseArgs({ args: [...words], options: OPTIONS });
  if (values.help) return { does: 'help' };
  if (values.list) return { does: 'list' };
  const { vpcd, pn532 } = values;
  if (!vpcd && pn532 === undefined && values.export === undefined) {
    throw new UsageProblem('--vpcd or --pn532 WHERE is missing');
  }
  if (vpcd && pn532 !== undefined) throw new UsageProblem('--vpcd and --pn532: one at a time');
  if (pn532 !== undefined && values.kind === 'sam') throw new UsageProblem('--pn532: a SAM has no antenna');
  if (pn532 !== undefined && values.port !== undefined) throw new UsageProblem('--port goes with --vpcd');
  const port = values.port === undefined ? undefined : portOf('--port', values.port, 1);
  return {
    does: 'card',
    kind: values.kind === undefined ? 'my-number' : oneOf('--kind', CARD_KINDS, values.kind),
    person: values.person,
    cardFile: values.card,
    exportFile: values.export,
    stateFolder: values.state,
    serve: vpcd ? { by: 'vpcd', port } : pn532 === undefined ? undefined : { by: 'pn532', address: pn532 },
    timing: oneOf('--timing', ['real', 'zero'] as const, values.timing),
    faults: (values.fault ?? []).map((spec) => spec.replaceAll(/[:,]/g, ' ')),
  };
}
