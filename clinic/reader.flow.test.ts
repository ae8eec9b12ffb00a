/** `npm run -s reader -- doctor` as a technician types it: healthy readers, broken ones, and none. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isPrivatePcscdAvailable, startPrivatePcscd } from '#drivers/pcsc/index.ts';
import { BAUD_RATES } from '#drivers/pn532/index.ts';
import {
  type Behaviour,
  type ChipFault,
  EmulatedPn532,
  openPty,
  type PtyLine,
  REAL_TIMING,
  SimulatedCard,
  type TimingProfile,
  VpcdSlot,
  ZERO_TIMING,
} from '#drivers/simulated/index.ts';
import { openTestCards, type TestCards } from '#drivers/simulated/testing/test-cards.ts';
import type { Finding } from '#provisioning/doctor/finding.ts';
import { buildPrograms } from './testing/appliance-process.ts';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CARD_CHECKS = ['card', 'slow-answer', 'apdu-400', 'apdu-1000', 'answer-256', 'presence', 'removal'];
const CHIP_CHECKS = [
  'wake-up',
  'firmware',
  ...BAUD_RATES.map((rate) => `baud-${rate}`),
  'field',
  'long-wait',
];

interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly findings: readonly Finding[];
}

interface Hands {
  place(): unknown;
  takeAway(): unknown;
}

/** Runs it, and does with the card what it asks for. */
async function doctor(
  words: readonly string[],
  hands?: Hands,
  variables: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const command = ['tools/run.mjs', 'clinic/reader.ts', 'doctor', ...words];
  const child = spawn(process.execPath, command, { cwd: ROOT, env: { ...process.env, ...variables } });
  let [stdout, asked] = ['', ''];
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    const before = asked;
    asked += chunk;
    const isNew = (text: string): boolean => asked.includes(text) && !before.includes(text);
    if (isNew('>>> Place one card')) hands?.place();
    if (isNew('>>> Take the card away')) hands?.takeAway();
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const findings = words.includes('--json') ? (JSON.parse(stdout) as Outcome).findings : [];
  return { code, stdout, findings };
}

function resultsOf({ findings }: Outcome): Record<string, string> {
  return Object.fromEntries(findings.map(({ check, result }) => [check, result]));
}

const all = (checks: readonly string[], result: string): Record<string, string> =>
  Object.fromEntries(checks.map((check) => [check, result]));

/** The first command to a card that can wait: the doctor asks for it first. */
function thinksOnce(ms: number): Behaviour {
  return {
    name: `thinks ${ms}`,
    handle: async (exchange) => {
      if (exchange.count === 1) await exchange.sleep(ms);
      return { kind: 'answer', bytes: await exchange.run() };
    },
  };
}

let cards: TestCards;
const makeTestCard = (): SimulatedCard => new SimulatedCard(cards.myNumber('mihon-hanako'));
beforeAll(() => {
  buildPrograms();
  cards = openTestCards();
});

describe('a PN532', () => {
  let chip: EmulatedPn532;
  let line: PtyLine;
  afterEach(() => line.close());
  const hands: Hands = { place: () => chip.insert(makeTestCard()), takeAway: () => chip.remove() };
  /** With the zero profile nothing takes time, and the chip does not wait for a card that is silent. */
  const wire = async (timing: TimingProfile): Promise<void> => {
    chip = new EmulatedPn532({ timing });
    line = await openPty();
    chip.attach(line);
  };
  const examine = (hand?: Hands, ...words: readonly string[]): Promise<Outcome> =>
    doctor(['--device', line.path, '--wait', '30', '--json', ...words], hand);

  it('that is well passes everything with a card that thinks for three seconds', async () => {
    await wire(REAL_TIMING);
    chip.faults.push(thinksOnce(3_000));
    const outcome = await examine(hands, '--baud-rate', '1288000');
    expect(resultsOf(outcome)).toEqual(all([...CHIP_CHECKS, ...CARD_CHECKS], 'pass'));
    expect(outcome.code).toBe(0);
    expect(chip.isFieldOn).toBe(false);
    expect(chip.baud).toBe(115_200);
  });

  it('without a card: a table, Japanese first, of what passed and what nobody knows', async () => {
    await wire(REAL_TIMING);
    const { code, stdout } = await doctor(['--device', line.path, '--wait', '1']);
    expect(code).toBe(3);
    expect(stdout).toMatch(/^○ 合格 PASS +起動 \/ wake-up/);
    expect(stdout.match(/○ 合格 PASS/g)).toHaveLength(CHIP_CHECKS.length);
    expect(stdout.match(/－ 未確認 NOT TESTED/g)).toHaveLength(CARD_CHECKS.length);
    expect(stdout).toMatch(/→ カードを1枚/);
  });

  it('that gives a silent card up at once is found out; a quick card shows nothing of that', async () => {
    await wire(ZERO_TIMING);
    const outcome = await examine(hands);
    expect(resultsOf(outcome)).toEqual({
      ...all([...CHIP_CHECKS, ...CARD_CHECKS], 'pass'),
      'long-wait': 'fail',
      'slow-answer': 'skip',
    });
    expect(outcome.code).toBe(1);
  });

  it.each<readonly [ChipFault, Record<string, string>]>([
    [{ kind: 'hung' }, { 'wake-up': 'fail' }],
    // Three commands to wake it up, one for its version, two for each rate, two back, two of setting up.
    [
      { kind: 'brown-out', at: 27 },
      { 'baud-1288000': 'pass', field: 'fail', card: 'pass' },
    ],
    [
      { kind: 'rf-timeout', times: 99 },
      { card: 'pass', 'slow-answer': 'fail', 'apdu-400': 'fail' },
    ],
    [
      { kind: 'wtx-storm', value: 300 },
      { card: 'pass', 'slow-answer': 'fail', 'apdu-1000': 'fail' },
    ],
    [
      { kind: 'block-removal', at: 4 },
      { card: 'pass', 'apdu-400': 'fail' },
    ],
  ])('with %j fails there', async (fault, expected) => {
    await wire(ZERO_TIMING);
    chip.chipFaults.add(fault);
    const outcome = await examine(hands);
    expect(resultsOf(outcome)).toMatchObject(expected);
    expect(outcome.code).toBe(1);
    for (const { result, next } of outcome.findings) if (result !== 'pass') expect(next?.ja).toMatch(/。$/);
  });
});

describe.skipIf(!isPrivatePcscdAvailable())('PC/SC readers', () => {
  it('are found by themselves, and the one with an antenna is tried', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sekisho-doctor-'));
    const pcscd = await startPrivatePcscd({ folder });
    const slot = new VpcdSlot({ port: pcscd.vpcdPorts[0] ?? 0 });
    try {
      slot.faults.push(thinksOnce(3_000));
      const variables = { PCSCLITE_CSOCK_NAME: pcscd.socketPath };
      const hands = { place: () => slot.insert(makeTestCard()), takeAway: () => slot.remove() };
      const words = ['--device', 'PICC', '--wait', '30', '--json'];
      const outcome = await doctor(words, hands, variables);
      expect(resultsOf(outcome)).toEqual({ answers: 'pass', ...all(CARD_CHECKS, 'pass') });
      expect(outcome.code).toBe(0);
      const found = await doctor(['--wait', '1', '--json'], undefined, variables);
      const named = found.findings.filter(({ check }) => check === 'pcsc');
      expect(named.map(({ device, detail }) => [device, detail])).toEqual(
        expect.arrayContaining([
          [pcscd.readerNames[0], 'card'],
          [pcscd.readerNames[1], 'sam'],
        ]),
      );
      expect(found.findings.filter(({ check }) => check === 'answers')).toHaveLength(1);
      expect(found.code).not.toBe(0);
    } finally {
      await slot.remove();
      await pcscd.stop();
      rmSync(folder, { recursive: true });
    }
  });
});

describe('no reader', () => {
  it.each([
    ['/dev/sekisho-nothing', 'wake-up', /シリアルポート/],
    ['Nobody 1000', 'answers', /pcscdにこの名前のリーダーがありません。/],
  ])('--device %s: says what to do', async (device, check, advice) => {
    const variables = { PCSCLITE_CSOCK_NAME: '/nowhere/pcscd.comm' };
    const outcome = await doctor(['--device', device, '--wait', '1', '--json'], undefined, variables);
    expect(outcome.code).toBe(1);
    expect(outcome.findings).toMatchObject([
      { check, result: 'fail', next: { ja: expect.stringMatching(advice) } },
    ]);
  });

  it.each([[[]], [['nurse']], [['doctor', '--baud-rate', '5']], [['doctor', '--wait', 'long']]])(
    '%j is explained',
    async (words) => {
      const child = spawn(process.execPath, ['tools/run.mjs', 'clinic/reader.ts', ...words], { cwd: ROOT });
      expect(await new Promise((resolve) => child.once('close', resolve))).toBe(2);
    },
  );
});
