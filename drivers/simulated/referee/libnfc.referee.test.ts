/** Debian's libnfc judges the simulated PN532 and the cards on it, over a pty. It does not know that they are simulated. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { SimulatedCard } from '../card/simulated-card.ts';
import { EmulatedPn532 } from '../pn532/emulator.ts';
import { openPty, type PtyLine } from '../pn532/lines.ts';
import { openTestCards } from '../testing/test-cards.ts';
import { REAL_TIMING, ZERO_TIMING } from '../timing.ts';

const run = promisify(execFile);
const cards = openTestCards();
const folder = mkdtempSync(join(tmpdir(), 'sekisho-libnfc-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let line: PtyLine;

/** The chip answers in this process, so the tools run beside it. */
async function tool(program: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, LIBNFC_DEVICE: `pn532_uart:${line.path}`, LANG: 'C' };
  const { stdout } = await run(program, args, { cwd: folder, env, timeout: 30_000 });
  return stdout;
}

/** Sends bytes command by command; the answers by themselves, without spaces, empty where libnfc calls it an error. */
async function shell(...commands: string[]): Promise<string[]> {
  const script = join(folder, 'script');
  writeFileSync(script, commands.map((command) => `${command}\n`).join(''));
  const printed = await tool('pn53x-tamashell', script);
  const exchanges = printed.split('Tx: ').slice(1);
  return exchanges.map((exchange) => (/Rx: (.*)/.exec(exchange)?.[1] ?? '').replaceAll(' ', ''));
}

describe.each([ZERO_TIMING, REAL_TIMING])('libnfc on a simulated PN532 ($name timing)', (timing) => {
  const chip = new EmulatedPn532({ timing });
  beforeAll(async () => {
    line = await openPty();
    chip.attach(line);
  });
  afterEach(() => {
    chip.remove();
    chip.chipFaults.clear();
  });
  afterAll(() => line.close());

  it('takes it for a PN532 with firmware 1.6', async () => {
    expect(await tool('nfc-scan-device', '-v')).toContain('chip: PN532 v1.6');
  });

  it('finds line, ROM and RAM in order', async () => {
    const printed = await tool('pn53x-diagnose');
    expect(printed).toContain('Communication line test: OK');
    expect(printed).toContain('ROM test: OK');
    expect(printed).toContain('RAM test: OK');
  });

  it.each([
    ['mihon-hanako', '00 00 41 e0', 'b3 81 a1', '309.3 ms'],
    ['mihon-taro', '00 00 05 e0', 'b3 81 a1', '309.3 ms'],
    ['kakuu-ishi', '00 4e 00 00', 'f7 81 d1', '2475 ms'],
  ])('shows the ATQB of the card of %s', async (person, applicationData, protocolInfo, waitingTime) => {
    const image = person === 'kakuu-ishi' ? cards.hpki() : cards.myNumber(person);
    chip.insert(new SimulatedCard(image));
    const list = (await tool('nfc-list', '-v')).replaceAll(/ +/g, ' ');
    expect(list).toContain('1 ISO14443B passive target(s) found');
    expect(list).toContain('0 ISO14443A passive target(s) found');
    expect(list).toContain(`Application Data: ${applicationData}`);
    expect(list).toContain(`Protocol Info: ${protocolInfo}`);
    expect(list).toContain('Same bitrate in both directions mandatory');
    expect(list).toContain('Maximum frame sizes: 256 bytes');
    expect(list).toContain(`Frame Waiting Time: ${waitingTime}`);
  });

  it('draws a new PUPI for each stay in the field', async () => {
    chip.insert(new SimulatedCard(cards.myNumber('mihon-hanako')));
    const pupi = async (): Promise<string> => /PUPI: (.*)/.exec(await tool('nfc-list', '-v'))?.[1] ?? '';
    const first = await pupi();
    expect(first).toMatch(/^([0-9a-f]{2} +){4}$/);
    expect(await pupi()).not.toBe(first);
  });

  it('shows the ATS of a phone', async () => {
    chip.insert(new SimulatedCard(cards.myNumber('reiji-ken')));
    const list = (await tool('nfc-list', '-v')).replaceAll(/ +/g, ' ');
    expect(list).toContain('ATQA (SENS_RES): 00 04');
    expect(list).toContain('Random UID');
    expect(list).toContain('SAK (SEL_RES): 20');
    expect(list).toContain('ATS: 78 80 70 02');
    expect(list).toContain('Max Frame Size accepted by PICC: 256 bytes');
    expect(list).toContain('0 ISO14443B passive target(s) found');
  });

  it('finds nothing on an empty antenna', async () => {
    expect(await tool('nfc-list')).not.toMatch(/[1-9]\d* .* passive target/);
  });

  it('talks to the card by InDataExchange, with chaining both ways', async () => {
    chip.insert(new SimulatedCard(cards.myNumber('mihon-hanako')));
    const [, selected, , read, long, present] = await shell(
      '4a010300',
      '400100a4040c0ad392f000260100000001',
      '400100a4020c020002',
      '400100b0000000',
      // 262 bytes of data go to the card in two blocks; its length field is wrong, and the card says so.
      `4001${'00'.repeat(4)}${'a5'.repeat(247)}`,
      '42ba01',
    );
    expect(selected).toBe('009000');
    expect(read).toMatch(/^003082.{508}9000$/);
    expect(long).toMatch(/^006[0-9a-f]{3}$/);
    // The card's block number depends on what went before: an acknowledgement, or its last block again.
    expect(present).toMatch(/^00(a[ab]01|0[ab]01)/);
  });

  it('talks to the card block by block', async () => {
    chip.insert(new SimulatedCard(cards.myNumber('mihon-hanako')));
    const answers = await shell(
      '4a010300',
      // The command in two chained blocks, then the same block number asked for once more.
      '421a0100a4040c0ad392f000',
      '420b0126010000000',
      '42ba01',
      '42bb01',
      // For another card, and then the end.
      '420a0200a40000',
      '42ca01',
      '42ba01',
    );
    expect(answers.slice(1, 3)).toEqual(['00aa01', expect.stringMatching(/^000b01/)]);
    expect(answers[3]).toBe('00ab01');
    expect(answers[4]).toBe(answers[2]);
    expect(answers.slice(5)).toEqual(['', '00ca01', '']);
  });
});
