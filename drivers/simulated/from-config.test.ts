import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fromHex, toHex } from './bytes.ts';
import { openSimulatedReader, openSimulatedSamSlot } from './from-config.ts';
import { SELECT_SAM } from './testing/sam-personaliser.ts';
import { openTestCards } from './testing/test-cards.ts';

const cards = openTestCards();
const folder = mkdtempSync(join(tmpdir(), 'sekisho-simulated-'));
const signal = new AbortController().signal;
afterAll(() => {
  cards.pki.remove();
  rmSync(folder, { recursive: true });
});

describe('simulators from files', () => {
  it('keep retry counters in the file of the card', async () => {
    const file = join(folder, 'hanako.json');
    writeFileSync(file, JSON.stringify(cards.myNumber('mihon-hanako')));
    const wrong = fromHex('002000980430303030');
    for (const expected of ['63C2', '63C1']) {
      const reader = openSimulatedReader({ cards: [file], timing: 'zero' });
      const channel = await reader.waitForCard(signal);
      await channel.transmit(fromHex('00A4040C0AD392F000260100000001'));
      expect(toHex(await channel.transmit(wrong))).toBe(expected);
      await reader.close();
    }
  });

  it('make a blank SAM of a missing file, and keep its state', async () => {
    const stateFile = join(folder, 'sam.json');
    for (const sequence of ['000001', '000002']) {
      const slot = openSimulatedSamSlot({ stateFile });
      const channel = await slot.waitForCard(signal);
      await channel.transmit(fromHex(SELECT_SAM));
      const answer = toHex(await channel.transmit(fromHex('8050300008000000000000000000')));
      expect(answer.slice(-10)).toBe(`${sequence}9000`);
      await slot.close();
    }
    expect(JSON.parse(readFileSync(stateFile, 'utf8')).testOnly).toBe(true);
  });

  it('refuse files of another kind', () => {
    const file = join(folder, 'other.json');
    writeFileSync(file, '{}');
    expect(() => openSimulatedReader({ cards: [file], timing: 'zero' })).toThrow(RangeError);
    expect(() => openSimulatedSamSlot({ stateFile: file })).toThrow(RangeError);
  });
});
