/** Command line of the centre: `init`, `serve` and the administration of the SP and the authorities. */
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { OperatorRole } from '#contract/centre/service-provider.ts';
import { HexOf, InstitutionCode } from '#contract/centre/wire.ts';
import { SERVICE_NAMES } from './services.ts';

const Port = z.number().int().min(0).max(65_535);

/** What `--config FILE` may hold for `serve`; flags win over it. */
export const ServeConfig = z.strictObject({
  folder: z.string().min(1),
  service: z.enum(['all', ...SERVICE_NAMES]).default('all'),
  host: z.string().min(1).default('127.0.0.1'),
  /** Fixed ports by service; the others take free ones. */
  ports: z.partialRecord(z.enum(SERVICE_NAMES), Port).default({}),
});
export type ServeConfig = z.infer<typeof ServeConfig>;

const Administrate = z.discriminatedUnion('action', [
  z.strictObject({
    action: z.literal('register-device'),
    /** PEM file. */
    certificate: z.string(),
    institution: InstitutionCode,
    network: z.array(HexOf(16)).min(1),
    maxUses: z.coerce.number().int().min(1).max(65_535),
    maxTicks: z.coerce.number().int().min(0).max(0xffff_ffff),
  }),
  z.strictObject({ action: z.literal('revoke-device'), sam: HexOf(8) }),
  z.strictObject({ action: z.literal('disable-device'), sam: HexOf(8) }),
  z.strictObject({ action: z.literal('disable-order'), sam: HexOf(8), challenge: HexOf(32) }),
  z.strictObject({
    action: z.literal('add-operator'),
    /** PEM file of the operator card's authentication certificate. */
    certificate: z.string(),
    institution: InstitutionCode,
    name: z.string().min(1).max(80),
    role: z.array(OperatorRole).min(1),
    cardKind: z.enum(['hpki', 'my-number']),
  }),
  z.strictObject({ action: z.literal('suspend-operator'), institution: InstitutionCode, key: HexOf(32) }),
  z.strictObject({ action: z.literal('restore-operator'), institution: InstitutionCode, key: HexOf(32) }),
]);
export type Administrate = z.infer<typeof Administrate>;

export type Command =
  | { readonly verb: 'help' }
  | {
      readonly verb: 'init';
      readonly folder: string;
      readonly people: number;
      readonly asOf: string | undefined;
    }
  | { readonly verb: 'serve'; readonly config: ServeConfig }
  | { readonly verb: 'admin'; readonly folder: string; readonly order: Administrate };

/** The command line is wrong; the message says how it should be. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = `init  --folder DIR [--people N] [--as-of YYYYMMDD]
serve --folder DIR [--service all|${SERVICE_NAMES.join('|')}] [--host H] [--port SERVICE=N]... [--config FILE]
admin --folder DIR register-device --certificate PEM --institution CODE --network HEX... --max-uses N --max-ticks N
admin --folder DIR revoke-device --sam HEX
admin --folder DIR disable-device --sam HEX
admin --folder DIR disable-order --sam HEX --challenge HEX
admin --folder DIR add-operator --certificate PEM --institution CODE --name TEXT --role ROLE... --card-kind hpki|my-number
admin --folder DIR suspend-operator|restore-operator --institution CODE --key HEX

  init               架空の人を入れて新しく作る / makes a region with invented people
  serve              サービスを始める / runs the services until it is stopped
  register-device    装置を登録 / registers an appliance: its SAM, networks and limits
  revoke-device      装置を失効。以後どのサービスも答えない / no service answers it any more
  disable-device     装置の SAM を使えなくする。盗難のとき / orders its SAM dead, after a theft
  disable-order      その命令を作って表示する / prints that order for a challenge of the SAM
  add-operator       職員を名簿に追加 / adds somebody to the roster of a clinic
  suspend-operator   職員を停止 / suspends somebody of the roster
  restore-operator   職員の停止をやめる / ends the suspension
  --folder DIR       センターの鍵とデータベースの場所 / where the keys and databases of the centre are
  --people N         架空の人の数 / how many invented people (1000)
  --as-of YYYYMMDD   その日の時点の資格にする / the day for which they are insured (今日 / today)
  --service NAME     始めるサービス / which services to run (all)
  --host H           答えるアドレス / address to answer at (127.0.0.1)
  --port NAME=N      サービスのポート / port of a service (空いているもの / a free one)
  --config FILE      serve の設定。オプションが優先 / settings of serve; options win over it
  --certificate PEM  装置の SAM または職員カードの証明書 / certificate of the SAM or of the staff card
  --institution CODE 医療機関コード / code of the institution, 10 digits
  --network HEX      登録するネットワークの ID。何個でも / id of a registered network, as many as wanted
  --max-uses N       1 回の解除で使える回数 / uses for each unlock
  --max-ticks N      1 回の解除で使える長さを SAM の刻みで。無制限は 0 / ticks of the SAM for each unlock; 0: no limit
  --sam HEX          SAM の番号 / SAM id, 16 hex digits
  --challenge HEX    SAM のチャレンジ / challenge of the SAM
  --name TEXT        職員の氏名 / name of the person
  --role ROLE        administrator | doctor | nurse | clerk: 職種・権限。何個でも / as many as wanted
  --card-kind KIND   hpki | my-number: 職員カードの種類 / kind of the staff card
  --key HEX          職員カードの鍵の ID / key id of the staff card

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
終了コード: 0 済み、1 できなかった、2 書き方の誤り
Exit code: 0 done, 1 it could not be done, 2 wrongly written.`;

export function parseCommand(args: readonly string[]): Command {
  const [verb, ...rest] = args;
  if (args.includes('--help') || args.includes('-h')) return { verb: 'help' };
  try {
    if (verb === 'init') return parseInit(rest);
    if (verb === 'serve') return { verb, config: parseServe(rest) };
    if (verb === 'admin') return parseAdministration(rest);
  } catch (thrown) {
    throw thrown instanceof z.ZodError
      ? new UsageError(z.prettifyError(thrown))
      : new UsageError(thrown instanceof Error ? thrown.message : String(thrown));
  }
  throw new UsageError('init, serve or admin?');
}

const text = { type: 'string' } as const;
const texts = { type: 'string', multiple: true } as const;

function parseInit(args: string[]): Command {
  const { values } = parseArgs({ args, options: { folder: text, people: text, 'as-of': text } });
  const folder = z.string({ error: '--folder is missing' }).parse(values.folder);
  const people = z.coerce
    .number()
    .int()
    .min(0)
    .max(9_999)
    .parse(values.people ?? 1_000);
  return { verb: 'init', folder, people, asOf: values['as-of'] };
}

function parseServe(args: string[]): ServeConfig {
  const { values } = parseArgs({
    args,
    options: { folder: text, service: text, host: text, port: texts, config: text },
  });
  const { config, port, ...flags } = values;
  const file = config === undefined ? {} : (JSON.parse(readFileSync(config, 'utf8')) as object);
  const ports = (port ?? []).map((pair) => {
    const [name = '', value = ''] = pair.split('=');
    return [name, value === '' ? Number.NaN : Number(value)] as const;
  });
  const given = ports.length === 0 ? {} : { ports: Object.fromEntries(ports) };
  return ServeConfig.parse({ ...file, ...flags, ...given });
}

function parseAdministration(args: string[]): Command {
  const options = {
    folder: text,
    certificate: text,
    institution: text,
    network: texts,
    'max-uses': text,
    'max-ticks': text,
    sam: text,
    challenge: text,
    name: text,
    role: texts,
    'card-kind': text,
    key: text,
  };
  const { values, positionals } = parseArgs({ args, options, allowPositionals: true });
  const camelCase = Object.entries(values).map(([name, value]) => [
    name.replace(/-(.)/g, (_dash, letter: string) => letter.toUpperCase()),
    value,
  ]);
  const { folder, ...fields } = Object.fromEntries(camelCase) as Record<string, unknown>;
  return {
    verb: 'admin',
    folder: z.string({ error: '--folder is missing' }).parse(folder),
    order: Administrate.parse({ action: positionals[0], ...fields }),
  };
}
