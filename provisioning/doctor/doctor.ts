/** Examines readers one after the other, and tells each finding as soon as it is one. */
import { isSekishoError, toSekishoError } from '#contract/errors.ts';
import { PcscReader } from '#drivers/pcsc/index.ts';
import { Pn532Reader, serialPortLine } from '#drivers/pn532/index.ts';
import { type Clock, systemClock } from '#ports/clock.ts';
import { checkWithCard } from './card-checks.ts';
import { checkChip } from './chip-checks.ts';
import { type Candidate, findCandidates } from './devices.ts';
import { type Bilingual, type Finding, nextOf } from './finding.ts';

const NOT_LISTED = {
  ja: 'pcscdにこの名前のリーダーがありません。`--device` なしで実行して名前を確かめ、ケーブルと `systemctl status pcscd` を確かめてください。',
  en: 'pcscd has no reader of this name. Run without `--device` for the names; check the cable and `systemctl status pcscd`.',
};

export interface DoctorOptions {
  /** A serial device when it begins with `/`, else part of the name of a PC/SC reader; absent: all that there are. */
  readonly device?: string | undefined;
  /** The highest rate that has to work. */
  readonly baudRate: number;
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly tell: (finding: Finding) => void;
  readonly ask: (what: Bilingual) => void;
  readonly clock?: Clock;
  /** Another tree than the system's, for tests. */
  readonly sysfsFolder?: string | undefined;
}

export async function examineReaders(options: DoctorOptions): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const tell = (finding: Finding): void => {
    findings.push(finding);
    options.tell(finding);
  };
  const heard = { ...options, tell };
  const { device } = options;
  const candidates =
    device === undefined ? await findCandidates(tell, options.sysfsFolder) : [candidateOf(device)];
  for (const candidate of candidates) {
    if (candidate.by === 'pn532') await examinePn532(candidate.device, heard);
    else await examinePcsc(candidate.device, heard);
  }
  return findings;
}

function candidateOf(device: string): Candidate {
  return device.startsWith('/') ? { by: 'pn532', device } : { by: 'pcsc', device };
}

async function examinePn532(device: string, options: DoctorOptions): Promise<void> {
  const { baudRate, clock = systemClock } = options;
  const isThere = await checkChip({ ...options, device, clock });
  if (!isThere) return;
  const reader = new Pn532Reader({ device, openLine: serialPortLine(device), baudRate });
  try {
    await checkWithCard({ ...options, device, reader, clock });
  } finally {
    await reader.close();
  }
}

async function examinePcsc(device: string, options: DoctorOptions): Promise<void> {
  const { clock = systemClock, tell } = options;
  const reader = new PcscReader({ slot: device, recoveryTimeoutMs: 0 });
  const title = { ja: '応答', en: 'answers' };
  try {
    await reader.probe();
    const detail = reader.report().device ?? device;
    tell({ check: 'answers', device, title, result: 'pass', detail });
    await checkWithCard({ ...options, device, reader, clock });
  } catch (thrown) {
    const error = toSekishoError(thrown);
    const next = isSekishoError(error, 'reader.unreachable') ? NOT_LISTED : nextOf(error);
    tell({ check: 'answers', device, title, result: 'fail', next });
  } finally {
    await reader.close();
  }
}
