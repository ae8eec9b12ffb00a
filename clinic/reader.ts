/** `npm run -s reader -- doctor`: what is wrong with the reader, and what to do about it. */
import { parseArgs } from 'node:util';
import { BAUD_RATES } from '#drivers/pn532/index.ts';
import { examineReaders } from '#provisioning/doctor/doctor.ts';
import { exitCodeOf } from '#provisioning/doctor/finding.ts';
import { describeFinding, describeSummary, encodeReport } from '#provisioning/doctor/report.ts';
import { runCommand, UsageProblem } from './command.ts';

const USAGE = `npm run -s reader -- doctor [--device D] [--baud-rate N] [--wait SECONDS] [--json]

  --device D      PN532のある /dev/…、またはPC/SCリーダーの名前の一部。省くと見つかったものすべて
                  /dev/… of a PN532, or part of a PC/SC reader's name (every reader that is found;
                  serial devices are spoken to as if they were a PN532)
  --baud-rate N   動かなければならない速さ / the fastest rate that has to work, as in the configuration (115200)
  --wait SECONDS  カードを置く・取るまで待つ秒数 / how long to wait for a card, and for its removal (30)
  --json          標準出力にJSONだけ / one JSON object on standard output, instructions on standard error

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
先に装置を停止し、リーダーを空にしてください。 / Stop the appliance first: it holds its reader. Begin with an empty reader.
終了コード: 0 すべて合格、1 不良あり、2 書き方の誤り、3 不良はないが未確認あり
Exit code: 0 everything passed, 1 something failed, 2 wrongly written, 3 nothing failed but something was not tested.`;

const OPTIONS = {
  device: { type: 'string' },
  'baud-rate': { type: 'string', default: '115200' },
  wait: { type: 'string', default: '30' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false, short: 'h' },
} as const;

async function run(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args: [...words], options: OPTIONS, allowPositionals: true });
  if (values.help) {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  if (positionals.length !== 1 || positionals[0] !== 'doctor') throw new UsageProblem('doctor?');
  const baudRate = Number(values['baud-rate']);
  if (!BAUD_RATES.includes(baudRate)) {
    throw new UsageProblem(`--baud-rate ${values['baud-rate']}: one of ${BAUD_RATES.join('|')}`);
  }
  const waitMs = Number(values.wait) * 1_000;
  if (!(waitMs > 0 && waitMs <= 600_000)) throw new UsageProblem(`--wait ${values.wait}: 1 to 600`);
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort(new Error('stopped')));
  const findings = await examineReaders({
    device: values.device,
    baudRate,
    waitMs,
    signal: stop.signal,
    tell: (finding) => {
      if (!values.json) process.stdout.write(`${describeFinding(finding)}\n`);
    },
    ask: ({ ja, en }) => process.stderr.write(`\n>>> ${ja}\n>>> ${en}\n\n`),
  });
  process.stdout.write(`${values.json ? encodeReport(findings) : describeSummary(findings)}\n`);
  return exitCodeOf(findings);
}

await runCommand(USAGE, run);
