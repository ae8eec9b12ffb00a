/** `npm run -s evidence`: writes the evidence or the access log of a clinic into one file, or verifies evidence with nothing else. */
import { X509Certificate } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { isSekishoError } from '#contract/errors.ts';
import { describeReport } from '#evidence/report.ts';
import { readAccessLog } from '#store/access-export.ts';
import { exportEvidence } from '#store/export.ts';
import { CommandProblem, runCommand, UsageProblem, unwritable, writeResult } from './command.ts';
import { accessCsv, accessJson, accessRow, japaneseDay } from './evidence/access-table.ts';
import { describeProvenTime } from './evidence/proven-time.ts';
import { describeInJapanese } from './evidence/summary.ts';
import { verifyEvidence } from './evidence/verification.ts';
import { databaseFile, STATE_FOLDER } from './state-folder.ts';

const USAGE = `npm run -s evidence -- export --out FILE [--state FOLDER | --database FILE]
npm run -s evidence -- access-log --out FILE [--day YYYY-MM-DD] [--state FOLDER | --database FILE]
npm run -s evidence -- verify FILE [--device-ca PEM] [--tsa-ca PEM] [--entry SEQ]… [--json]

  --out FILE       書き出す先。確認にはこのファイルだけで足ります / the file to write; it needs nothing else to be verified
  --day            操作の記録の日付（日本時間）。FILE は .csv か .json / of the access log, in Japan (すべて / all days)
  --state FOLDER   診療所の状態のフォルダー / state of the clinic (${STATE_FOLDER})
  --database FILE  装置のデータベース / the appliance's database itself
  --device-ca PEM  信頼する SAM の認証局 / the certificate authority of the SAMs that you trust
  --tsa-ca PEM     信頼するタイムスタンプの認証局 / the time-stamp authority that you trust
  --entry SEQ      この番号の記録が作られた時間の範囲 / between which two moments this entry was made; needs both authorities
  --json           報告をすべて JSON で / the complete report as JSON

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
終了コード: 0 証跡は完全、1 完全でないか読めない、2 書き方の誤り
Exit code: 0 the evidence is intact, 1 it is not or could not be read, 2 wrongly written.`;

const OPTIONS = {
  out: { type: 'string' },
  day: { type: 'string' },
  state: { type: 'string' },
  database: { type: 'string' },
  'device-ca': { type: 'string' },
  'tsa-ca': { type: 'string' },
  entry: { type: 'string', multiple: true },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

function parseWords(words: readonly string[]) {
  return parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
}

type Values = ReturnType<typeof parseWords>['values'];

async function run(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseWords(words);
  const [verb, file, ...rest] = positionals;
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (verb === 'export' && file === undefined) return exportTo(values);
  if (verb === 'access-log' && file === undefined) return exportAccessLog(values);
  if (verb === 'verify' && file !== undefined && rest.length === 0) return verify(file, values);
  throw new UsageProblem(verb === 'verify' ? 'verify takes one FILE' : 'export, access-log or verify?');
}

/** Where the database is, and where the file shall be; both are there, or may be written. */
function requirePlaces(values: Values): { readonly out: string; readonly database: string } {
  if (values.out === undefined) throw new UsageProblem('--out FILE is missing');
  if (values.state !== undefined && values.database !== undefined) {
    throw new UsageProblem('--state or --database, not both');
  }
  const out = resolve(values.out);
  const database = values.database ?? databaseFile(values.state ?? STATE_FOLDER);
  requireFile(database, {
    ja: `データベース ${database} がありません。\`npm start\` で受付を一度行うか、--state または --database で場所を指定してください。`,
    en: `There is no database ${database}. Receive a patient with \`npm start\` first, or name the place with --state or --database.`,
  });
  requireFile(dirname(out), {
    ja: `フォルダー ${dirname(out)} がありません。先に作成してください。`,
    en: `There is no folder ${dirname(out)}. Create it first.`,
  });
  return { out, database };
}

/** Nobody receives patients here: what fails is the file that was named. */
function readDatabase<Result>(database: string, out: string, read: () => Result): Result {
  try {
    return read();
  } catch (thrown) {
    if (!isSekishoError(thrown, 'store.failed')) throw thrown;
    if (thrown.cause instanceof Error && 'syscall' in thrown.cause) throw unwritable(out, thrown.cause);
    const advice = {
      ja: `${database} を装置のデータベースとして読めません。appliance.sqlite を指定してください。それでも読めなければ、ファイルを保管してサポートに連絡してください。`,
      en: `${database} cannot be read as the database of an appliance. Name its appliance.sqlite; if it is that file, keep it and call support.`,
    };
    throw new CommandProblem('request.invalid', advice, thrown.cause);
  }
}

function exportAccessLog(values: Values): number {
  const { out, database } = requirePlaces(values);
  const { day } = values;
  if (day !== undefined && !/^\d{4}-\d{2}-\d{2}$/.test(day)) throw new UsageProblem('--day is YYYY-MM-DD');
  const isJson = out.endsWith('.json');
  if (!isJson && !out.endsWith('.csv')) throw new UsageProblem('--out ends in .csv or .json');
  const { entries, names, flaw, anchoredSeq } = readDatabase(database, out, () =>
    readAccessLog(database, ({ at }) => day === undefined || japaneseDay(at) === day),
  );
  const rows = entries.map((entry) => accessRow(entry, names));
  // Names of staff: for whoever may read the database, too.
  writeResult(out, isJson ? accessJson(rows) : accessCsv(rows));
  const result = { file: out, entries: rows.length, anchoredSeq, flaw: flaw ?? null };
  const text = values.json
    ? JSON.stringify(result)
    : `${rows.length} 件の操作を ${out} に書き出しました。\n${rows.length} requests written to ${out}.`;
  process.stdout.write(`${text}\n`);
  if (flaw === undefined) return 0;
  throw new CommandProblem('evidence.broken', {
    ja: `操作の記録の ${flaw.seq} 件目が元のままではありません（${flaw.reason}）。ファイルとデータベースを保管し、サポートに連絡してください。`,
    en: `Number ${flaw.seq} of the access log is not as it was written (${flaw.reason}). Keep the file and the database, and call support.`,
  });
}

function exportTo(values: Values): number {
  const { out, database } = requirePlaces(values);
  const { entries, head } = readDatabase(database, out, () => exportEvidence(database, out));
  const last = head === undefined ? '-' : `${head.seq} ${head.hash}`;
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ file: out, entries, head: head ?? null })}\n`);
    return 0;
  }
  process.stdout.write(
    [
      `${entries} 件の記録を ${out} に書き出しました。`,
      `最後の記録: ${last}`,
      `確認: npm run -s evidence -- verify ${values.out}`,
      `${entries} entries written to ${out}; head ${last}.`,
      '',
    ].join('\n'),
  );
  return 0;
}

async function verify(file: string, values: Values): Promise<number> {
  requireFile(file, {
    ja: `ファイル ${file} がありません。\`npm run -s evidence -- export --out FILE\` で作成してください。`,
    en: `There is no file ${file}. Write one with \`npm run -s evidence -- export --out FILE\`.`,
  });
  const anchors = {
    deviceCaPem: readAuthority('--device-ca', values['device-ca']),
    timeStampCaPem: readAuthority('--tsa-ca', values['tsa-ca']),
  };
  const wanted = values.entry?.map(parseSeq);
  if (wanted !== undefined && (anchors.deviceCaPem === undefined || anchors.timeStampCaPem === undefined)) {
    throw new UsageProblem('--entry needs --device-ca and --tsa-ca: without them no time is proven');
  }
  const report = await verifyEvidence(file, anchors, wanted);
  const missing = wanted?.find((seq) => !report.provenIntervals.some((proven) => proven.seq === seq));
  if (report.ok && missing !== undefined) throw new UsageProblem(`there is no entry ${missing}`);
  const times = wanted === undefined ? [] : ['', ...report.provenIntervals.flatMap(describeProvenTime)];
  const text = values.json
    ? JSON.stringify(report)
    : [...describeInJapanese(report), '', ...describeReport(report), ...times].join('\n');
  process.stdout.write(`${text}\n`);
  if (report.firstProblem?.line === 1) {
    throw new CommandProblem('evidence.export-invalid', {
      ja: `${file} は証跡を書き出したファイルではありません。\`evidence -- export\` で書き出したファイルを指定してください。`,
      en: `${file} is no export of evidence. Name a file that \`evidence -- export\` wrote.`,
    });
  }
  if (!report.ok) {
    const advice = {
      ja: '元のデータベースからもう一度書き出し、それでも異常ならこのファイルを保管してサポートに連絡してください。',
      en: 'Export from the original database again; if it stays, keep this file and call support.',
    };
    throw new CommandProblem('evidence.broken', advice);
  }
  return 0;
}

function parseSeq(word: string): number {
  if (!/^[1-9]\d{0,14}$/.test(word)) throw new UsageProblem('--entry takes the number of an entry');
  return Number(word);
}

/** A wrong authority must not look like wrong evidence. */
function readAuthority(option: string, file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    const pem = readFileSync(file, 'utf8');
    new X509Certificate(pem);
    return pem;
  } catch (cause) {
    const advice = {
      ja: `${option} ${file} は証明書（PEM）として読めません。認証局の証明書を指定してください。`,
      en: `${option} ${file} is not a readable certificate (PEM). Name the certificate of the authority.`,
    };
    throw new CommandProblem('config.invalid', advice, cause);
  }
}

function requireFile(path: string, advice: { readonly ja: string; readonly en: string }): void {
  if (!existsSync(path)) throw new CommandProblem('request.invalid', advice);
}

await runCommand(USAGE, run);
