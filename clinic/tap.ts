/**
 * `npm run -s tap -- --json [--count N] [--mode online|degraded|offline] [--reader inprocess|pcsc|pn532]
 * [--timing real|zero] [--person ID] [--card FILE]`: a complete clinic with temporary state makes N visits through
 * the public HTTPS API and prints one JSON object. Exit code 0 only if every visit was as it should be.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Mode } from '#contract/snapshot.ts';
import type { CardImage } from '#drivers/simulated/card/image.ts';
import { SimulatedCard } from '#drivers/simulated/card/simulated-card.ts';
import { Person } from '#drivers/simulated/people.ts';
import { exportEvidence } from '#store/export.ts';
import { type Clinic, clinicCa, startClinic } from './clinic.ts';
import { CommandProblem, oneOf, runCommand, UsageProblem } from './command.ts';
import { CounterClient } from './counter-client.ts';
import { verifyEvidence } from './evidence/verification.ts';
import { READER_KINDS, type ReaderKind, type TimingKind } from './readers.ts';
import { issueSeedCard } from './seed-card.ts';
import { makeVisit, settledVisit, signInWith, type TapReport } from './tap-run.ts';
import { enterWorld } from './world.ts';

const USAGE = `npm run -s tap -- [OPTION …]

  自分だけの診療所を作って受付をし、結果を一つの JSON で書きます / visits in a clinic of its own, as one JSON object

  --json           1 行で書く / on one line
  --count N        受付の回数 / how many visits (1)
  --mode MODE      online | degraded | offline: 通信できる相手 / how much of the centre can be reached (online)
  --reader READER  inprocess | pcsc | pn532: カードリーダー / card reader (inprocess)
  --timing TIMING  zero | real: すぐに答える、または本物のカードの速さで答える
                   answer at once, or as slowly as real cards (zero)
  --person ID      だれのカードか。\`npm run -s card -- --list\` にある ID、または P0001 からの番号
                   whose card: an id of \`npm run -s card -- --list\`, or P0001 and on of the seed (mihon-taro)
  --card FILE      FILE のカード。drivers/simulated/people の人、または \`card -- --export\` で作ったもの
                   the card of FILE: a person of drivers/simulated/people, or what \`card -- --export\` wrote
  --photo          照合番号Bでカードの顔写真を開いて見比べる / compare with the photo on the card, by 照合番号B

行末の（ ）は省いたときの値 / in brackets at the end: what holds without the option
終了コード: 0 すべて正しく受付できた、1 そうでない受付があった、2 書き方の誤り
Exit code: 0 every visit was as it should be, 1 one was not, 2 wrongly written.`;

interface Wish {
  readonly does: 'visits';
  readonly json: boolean;
  readonly count: number;
  readonly mode: Mode;
  readonly reader: ReaderKind;
  readonly timing: TimingKind;
  readonly person: string;
  readonly cardFile: string | undefined;
  readonly photo: boolean;
}

function parseWish(words: readonly string[]): Wish | { readonly does: 'help' } {
  const { values } = parseArgs({
    args: [...words],
    options: {
      json: { type: 'boolean', default: false },
      count: { type: 'string', default: '1' },
      mode: { type: 'string', default: 'online' },
      reader: { type: 'string', default: 'inprocess' },
      timing: { type: 'string', default: 'zero' },
      person: { type: 'string', default: 'mihon-taro' },
      card: { type: 'string' },
      photo: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false, short: 'h' },
    },
  });
  if (values.help) return { does: 'help' };
  const count = Number(values.count);
  if (!Number.isInteger(count) || count < 1 || count > 100_000)
    throw new UsageProblem(`--count ${values.count}: 1 to 100000`);
  return {
    does: 'visits',
    json: values.json,
    count,
    mode: oneOf('--mode', ['online', 'degraded', 'offline'] as const, values.mode),
    reader: oneOf('--reader', READER_KINDS, values.reader),
    timing: oneOf('--timing', ['real', 'zero'] as const, values.timing),
    person: values.person,
    cardFile: values.card,
    photo: values.photo,
  };
}

/** A card, and whose it is when that is known. */
interface Chosen {
  readonly card: SimulatedCard;
  readonly person?: string;
}

/** Of the wallet, or of anybody in the seed. */
function cardOf(clinic: Clinic, id: string): Chosen {
  const seed = clinic.cast.seedOf.get(id);
  const card = clinic.cards.get(id) ?? (seed && new SimulatedCard(issueSeedCard(clinic.centre.pki, seed)));
  if (card === undefined) throw new UsageProblem(`--person ${id}: no such person`);
  return { card, person: id };
}

/** A person of `drivers/simulated/people`, or a whole card as `npm run -s card -- --export FILE` writes it. */
function cardInFile(clinic: Clinic, file: string): Chosen {
  try {
    const content = JSON.parse(readFileSync(file, 'utf8')) as { readonly format?: unknown };
    if (content.format === 'sekisho-card-image-1') {
      return { card: new SimulatedCard(content as CardImage) };
    }
    return cardOf(clinic, Person.parse(content).id);
  } catch (cause) {
    if (cause instanceof UsageProblem) throw cause;
    const advice = {
      ja: `${file} はカードとして読めません。drivers/simulated/people のファイルか、\`npm run -s card -- --export FILE\` で作ったファイルを指定してください。`,
      en: `${file} is no card. Name a file of drivers/simulated/people, or one that \`npm run -s card -- --export FILE\` wrote.`,
    };
    throw new CommandProblem('request.invalid', advice, cause);
  }
}

/** 照合番号B, with which the photo opens; cards of the seed have none. */
function photoNumber(clinic: Clinic, { person = '' }: Chosen): string {
  const number = clinic.wallet.get(person)?.person.verificationNumberB;
  if (number === undefined) throw new UsageProblem('--photo needs a person of drivers/simulated/people');
  return number;
}

/** Offline: the SAM has forgotten its unlock, so the operator's card opens it when signing in. */
async function signIn(clinic: Clinic, client: CounterClient, mode: Mode): Promise<void> {
  if (mode === 'offline') {
    await signInWith(clinic, client, 'kakuu-ishi');
    enterWorld(clinic.centre, mode);
    await client.lockSam();
    await client.signOut();
  } else enterWorld(clinic.centre, mode);
  await signInWith(clinic, client, 'kakuu-ishi');
}

function visitOf({ visit, ...report }: TapReport): Record<string, unknown> {
  return {
    outcome: report.outcome,
    ...(report.error === undefined ? {} : { error: report.error }),
    cardId: visit?.cardId,
    patientNumber: visit?.patientNumber,
    mode: visit?.mode,
    eligibility: visit?.eligibility,
    evidence: visit?.evidence,
    visitRecord: visit?.visitRecord ?? 'none',
    steps: visit?.steps ?? [],
    apdu: visit?.apdu,
    totalMs: report.totalMs,
    cardMs: report.cardMs,
    samMs: report.samMs,
    criticalPathMs: report.criticalPathMs,
  };
}

/** Degraded and offline visits wait in the outbox; online ones must have arrived. */
function isExpected(report: TapReport, mode: Mode): boolean {
  if (report.outcome !== 'accepted' || report.visit === undefined) return false;
  return (
    report.visit.mode === mode && report.visit.visitRecord === (mode === 'online' ? 'delivered' : 'queued')
  );
}

async function makeVisits(clinic: Clinic, client: CounterClient, wish: Wish): Promise<TapReport[]> {
  const { person, cardFile } = wish;
  const chosen = cardFile === undefined ? cardOf(clinic, person) : cardInFile(clinic, cardFile);
  const number = wish.photo ? photoNumber(clinic, chosen) : undefined;
  await clinic.readers.cardSlot.insert(chosen.card);
  const reports: TapReport[] = [];
  for (let made = 0; made < wish.count; made += 1) {
    const report = await makeVisit(clinic, client, number);
    const cardId = report.visit?.cardId;
    if (made === 0 && cardId !== undefined) await client.link(cardId, '000001');
    reports.push(report);
  }
  const waitMs = wish.mode === 'online' ? 5_000 : 0;
  return Promise.all(
    reports.map(async (report) =>
      report.visit === undefined
        ? report
        : { ...report, visit: await settledVisit(client, report.visit, Math.max(1, waitMs)) },
    ),
  );
}

async function run(words: readonly string[]): Promise<number> {
  const wish = parseWish(words);
  if (wish.does === 'help') {
    process.stdout.write(`${USAGE}\n`);
    return 0;
  }
  const stateFolder = mkdtempSync(join(tmpdir(), 'sekisho-tap-'));
  try {
    const limits = { tapsPerCardPerDay: 1_000, usesPerMinute: 100_000, usesPerDay: 1_000_000 };
    const clinic = await startClinic({ stateFolder, reader: wish.reader, timing: wish.timing, limits });
    const client = new CounterClient(clinic.appliance.url, clinicCa(clinic));
    try {
      await signIn(clinic, client, wish.mode);
      const reports = await makeVisits(clinic, client, wish);
      const exportFile = join(stateFolder, 'evidence.txt');
      exportEvidence(clinic.appliance.databasePath, exportFile);
      const { ok: evidenceVerified } = await verifyEvidence(exportFile, {
        deviceCaPem: readFileSync(clinic.centre.trustFiles.samDevice, 'utf8'),
        timeStampCaPem: readFileSync(clinic.centre.trustFiles.timeStampRoot, 'utf8'),
      });
      const ok = evidenceVerified && reports.every((report) => isExpected(report, wish.mode));
      const result = {
        ok,
        mode: wish.mode,
        reader: wish.reader,
        visits: reports.map(visitOf),
        evidenceVerified,
      };
      process.stdout.write(`${JSON.stringify(result, null, wish.json ? 0 : 2)}\n`);
      return ok ? 0 : 1;
    } finally {
      client.close();
      await clinic.close();
    }
  } finally {
    rmSync(stateFolder, { recursive: true, force: true });
  }
}

await runCommand(USAGE, run);
