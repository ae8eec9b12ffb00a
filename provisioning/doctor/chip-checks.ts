/** A PN532 on its serial line, before any card is asked for. */
import { type ChipFinding, examineChip, serialPortLine } from '#drivers/pn532/index.ts';
import type { Clock } from '#ports/clock.ts';
import { type Bilingual, type FindingSink, nextOf } from './finding.ts';

const TITLES: Readonly<Record<ChipFinding['name'], Bilingual>> = {
  'wake-up': { ja: '起動', en: 'wake-up' },
  firmware: { ja: 'ファームウェア', en: 'firmware' },
  baud: { ja: '通信速度', en: 'baud rate' },
  field: { ja: '電波の入切', en: 'field on and off' },
  'long-wait': { ja: '3秒以上の待ち', en: 'waits over 3 s' },
};

const NEXT: Readonly<Record<Exclude<ChipFinding['name'], 'wake-up'>, Bilingual>> = {
  firmware: {
    ja: 'PN532 かどうか、配線（docs/hardware.md）を確かめてください。',
    en: 'Check that it is a PN532, and its wiring (docs/hardware.md).',
  },
  baud: {
    ja: 'この速度は使えません。`reader.baudRate` を下げてください。',
    en: 'This rate does not work: set `reader.baudRate` lower.',
  },
  field: {
    ja: '電源が足りません。5V/3.3Vの配線と電源を確かめてください（docs/hardware.md）。',
    en: 'The supply is too weak: check the 5 V/3.3 V wiring (docs/hardware.md).',
  },
  'long-wait': {
    ja: '読み取り位置からカードをすべて離し、もう一度試してください。',
    en: 'Take every card off the antenna and try again.',
  },
};

export interface ChipCheckOptions {
  readonly device: string;
  /** The highest rate that the configuration wants. */
  readonly baudRate: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: FindingSink;
}

/** Resolves with whether a chip is there at all. */
export async function checkChip(options: ChipCheckOptions): Promise<boolean> {
  const { device, baudRate, clock, signal, tell } = options;
  let isThere = false;
  for await (const finding of examineChip({ openLine: serialPortLine(device), clock, signal })) {
    const { name, passed, detail, error } = finding;
    isThere ||= passed;
    const isAsked = name !== 'baud' || finding.baudRate <= baudRate;
    // Waking it up fails for reasons of the device; what fails afterwards has a usual one.
    const next = error && name === 'wake-up' ? nextOf(error) : NEXT[name === 'wake-up' ? 'firmware' : name];
    tell({
      check: name === 'baud' ? `baud-${finding.baudRate}` : name,
      device,
      title: titleOf(finding),
      result: passed ? 'pass' : isAsked ? 'fail' : 'limit',
      ...(detail === undefined ? {} : { detail }),
      ...(passed ? {} : { next }),
    });
  }
  return isThere;
}

function titleOf(finding: ChipFinding): Bilingual {
  const { ja, en } = TITLES[finding.name];
  return finding.name === 'baud'
    ? { ja: `${ja} ${finding.baudRate}`, en: `${en} ${finding.baudRate}` }
    : { ja, en };
}
