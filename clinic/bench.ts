/** `npm run -s bench`: every figure that the project promises, measured here and now. */
import { parseArgs } from 'node:util';
import { type BenchResult, isMet } from './bench/result.ts';
import { runCommand, UsageProblem } from './command.ts';

/** Loaded one by one: a benchmark's memory must not stand in another's way. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ run(): Promise<BenchResult[]> }>>> = {
  codec: () => import('./bench/codec.ts'),
  photo: () => import('./bench/photo.ts'),
  append: () => import('./bench/append.ts'),
  lookup: () => import('./bench/lookup.ts'),
  verify: () => import('./bench/verify.ts'),
  opensc: () => import('./bench/opensc.ts'),
  'pn532-exchange': () => import('./bench/pn532-exchange.ts'),
  'reader-recovery': () => import('./bench/reader-recovery.ts'),
  lock: () => import('./bench/lock.ts'),
  tap: () => import('./bench/tap.ts'),
  'tap-pn532': () => import('./bench/tap-pn532.ts'),
  'tap-phones': () => import('./bench/tap-phones.ts'),
  'tap-process': () => import('./bench/tap-process.ts'),
};

const NAMES = Object.keys(BENCHMARKS);

const USAGE = `npm run -s bench -- [--json] [--only NAME …]

  約束した数字をすべて、この機器で測ります / measures every figure that is promised, on this machine

  --json       標準出力に JSON の配列を一つだけ / exactly one JSON array on standard output:
               [{name, value, unit, baseline, ratio}]
  --only NAME  これだけを測る。何度でも指定できる / only this one; may be repeated:
               ${NAMES.join(' | ')}

終了コード: 0 すべて測れた（目標に届かないものがあっても）、1 測れないものがあった、2 書き方の誤り
Exit code: 0 everything was measured (targets missed or not), 1 something could not be measured, 2 wrongly written.`;

const OPTIONS = {
  json: { type: 'boolean', default: false },
  only: { type: 'string', multiple: true },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

async function run(words: readonly string[]): Promise<number> {
  const { values } = parseArgs({ args: [...words], options: OPTIONS });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const names = values.only ?? NAMES;
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new UsageProblem(`--only ${unknown}: no such benchmark`);
  const results: BenchResult[] = [];
  let isComplete = true;
  for (const name of names) {
    process.stderr.write(`${name} …\n`);
    const measured = await measure(name);
    results.push(...(measured ?? []));
    isComplete &&= measured !== undefined;
  }
  process.stdout.write(values.json ? encodeJson(results) : encodeTable(results));
  return isComplete ? 0 : 1;
}

/** Undefined when it could not be measured: that is told, and the others still count. */
async function measure(name: string): Promise<BenchResult[] | undefined> {
  try {
    return await (await BENCHMARKS[name]?.())?.run();
  } catch (thrown) {
    process.stderr.write(`${name}: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n`);
    return undefined;
  }
}

function encodeJson(results: readonly BenchResult[]): string {
  const rows = results.map(({ name, value, unit, baseline, ratio }) => ({
    name,
    value,
    unit,
    baseline,
    ratio,
  }));
  return `${JSON.stringify(rows, roundNumbers, 2)}\n`;
}

function roundNumbers(_key: string, value: unknown): unknown {
  return typeof value === 'number' ? Number(value.toPrecision(4)) : value;
}

function encodeTable(results: readonly BenchResult[]): string {
  const header = ['benchmark', 'value', 'baseline', 'ratio', 'target', 'compared with'];
  const rows = [header, ...results.map(describe)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}

function describe(result: BenchResult): string[] {
  const { name, value, unit, baseline, ratio, baselineIs } = result;
  return [
    name,
    `${show(value)} ${unit}`,
    show(baseline),
    show(ratio),
    describeTarget(result),
    baselineIs ?? '',
  ];
}

function describeTarget(result: BenchResult): string {
  const { target } = result;
  if (target === undefined) return '';
  const limit = target.atMost === undefined ? `>= ${target.atLeast}` : `<= ${target.atMost}`;
  return `${isMet(result) ? 'met ' : 'MISSED '} ${target.of} ${limit}`;
}

function show(figure: number | null): string {
  if (figure === null) return '-';
  return figure >= 1000 ? Math.round(figure).toLocaleString('en') : String(Number(figure.toPrecision(3)));
}

await runCommand(USAGE, run);
