/** Cards on the chip: found, asked through the firmware, and asked block by block. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat, fromHex, toHex } from '../bytes.ts';
import { mute, removeAfterApdus, slow, twoCards } from '../faults.ts';
import { EmulatedPn532 } from './emulator.ts';
import type { ChipFaultKind } from './faults.ts';
import { EchoCard, echoCommand, TYPE_A, TYPE_B } from './testing/echo-card.ts';
import { ScriptedHost } from './testing/scripted-host.ts';

interface Bench {
  readonly chip: EmulatedPn532;
  readonly host: ScriptedHost;
  readonly card: EchoCard;
}

async function bench(link = TYPE_B): Promise<Bench> {
  const chip = new EmulatedPn532();
  const host = new ScriptedHost();
  chip.attach(host);
  const card = new EchoCard(link);
  chip.insert(card);
  await host.start();
  // One look is enough: nobody comes or goes by himself.
  await host.ask('3205000000');
  return { chip, host, card };
}

async function activated(link = TYPE_B): Promise<Bench> {
  const all = await bench(link);
  expect(await all.host.ask(link.type === 'B' ? '4A010300' : '4A0100')).toMatch(/^4B01/);
  return all;
}

const FOUND_B = '0150DEADBEEF000041E0B381A10101';
const SELECT = '00A40000';

describe('finding cards', () => {
  it('of type B: ATQB, and the answer to ATTRIB with the number as CID', async () => {
    const { host } = await bench();
    expect(await host.ask('4A010300')).toBe(`4B01${FOUND_B}`);
    expect(await host.ask('4A0100')).toBe('4B00');
  });

  it('of type A: SENS_RES, SEL_RES, a random UID, ATS; without ATS when RATS is not automatic', async () => {
    const { host } = await bench(TYPE_A);
    expect(await host.ask('4A0100')).toMatch(/^4B010100042004(08.{6})0578807002$/);
    await host.ask('320100');
    await host.ask('1204');
    expect(await host.ask('4A0100')).toMatch(/^4B010100042004(08.{6})$/);
  });

  it('does not wake a card that was put to sleep, but InSelect and a field reset do', async () => {
    const { host } = await activated();
    expect(await host.ask('4401')).toBe('4500');
    expect(await host.ask(`4001${SELECT}`)).toBe('4127');
    expect(await host.ask('5401')).toBe('5500');
    expect(await host.ask(`4001${SELECT}`)).toBe('41009000');
    expect(await host.ask('5200')).toBe('5300');
    expect(await host.ask('4A010300')).toBe('4B00');
    await host.ask('320100');
    expect(await host.ask('4A010300')).toBe(`4B01${FOUND_B}`);
  });

  it.each([TYPE_A, TYPE_B])(
    'tells two cards of type $type apart, and lists one when asked for one',
    async (link) => {
      const { chip, host } = await bench(link);
      chip.insert(new EchoCard(link, Uint8Array.of(1, 2, 3, 4)));
      const look = link.type === 'B' ? '0300' : '00';
      expect(await host.ask(`4A01${look}`)).toMatch(/^4B01/);
      await host.ask('320100');
      expect(await host.ask(`4A02${look}`)).toMatch(/^4B02/);
      expect(await host.ask(`4001${SELECT}`)).toBe('41009000');
      expect(await host.ask(`4002${SELECT}`)).toBe('41009000');
    },
  );

  it('sees a second card while a fault says that there is one', async () => {
    const { chip, host } = await bench();
    chip.faults.push(twoCards());
    expect(await host.ask('4A020300')).toMatch(/^4B02/);
    await host.ask('320100');
    chip.faults.length = 0;
    expect(await host.ask('4A020300')).toMatch(/^4B01/);
  });

  it('polls by itself', async () => {
    const { host } = await bench();
    expect(await host.ask('6001012010')).toBe('6100');
    expect(await host.ask('600101200323')).toBe(`6101030F${FOUND_B}`);
  });
});

describe('InDataExchange', () => {
  it.each([
    [4, 0],
    [252, 58],
    [253, 59],
    [262, 260],
  ])('carries %i bytes there and %i back, in as many blocks as it takes', async (there, back) => {
    for (const link of [TYPE_A, TYPE_B]) {
      const { host, card } = await activated(link);
      const command = echoCommand(there, back);
      const answer = await host.ask(`4001${toHex(command)}`);
      expect(answer).toBe(`4100${toHex(expected(command, back))}`);
      expect(card.commands).toEqual([command]);
    }
  });

  it('hands over what is longer than 262 bytes in parts', async () => {
    const { host } = await activated();
    const command = echoCommand(10, 700);
    const parts = [await host.ask(`4001${toHex(command)}`)];
    while (parts.at(-1)?.startsWith('4140')) parts.push(await host.ask('4001'));
    expect(parts.length).toBeGreaterThan(2);
    expect(parts.at(-1)).toMatch(/^4100/);
    expect(parts.map((part) => part.slice(4)).join('')).toBe(toHex(expected(command, 700)));
  });

  it('grants a slow card its time', async () => {
    const { chip, host } = await activated(TYPE_A);
    chip.faults.push(slow(150));
    const startMs = performance.now();
    expect(await host.ask(`4001${SELECT}`)).toBe('41009000');
    expect(performance.now() - startMs).toBeGreaterThan(145);
  });

  it('grants a card that asks for time a hundred times over', async () => {
    const { chip, host } = await activated();
    chip.chipFaults.add({ kind: 'wtx-storm' });
    expect(await host.ask(`4001${SELECT}`)).toBe('41009000');
  });

  it.each(['rf-timeout', 'frame-error'] as const)(
    'survives one %s, and gives up after three',
    async (kind) => {
      const { chip, host } = await activated();
      const command = echoCommand(262, 200);
      for (let at = 1; at <= 5; at += 1) {
        chip.chipFaults.add({ kind, at });
        expect(await host.ask(`4001${toHex(command)}`)).toBe(`4100${toHex(expected(command, 200))}`);
        chip.chipFaults.clear();
      }
      chip.chipFaults.add({ kind, times: 3 });
      expect(await host.ask(`4001${SELECT}`)).toBe(kind === 'rf-timeout' ? '4101' : '4102');
    },
  );

  it('says that a card is gone or silent', async () => {
    for (const fault of [removeAfterApdus(1), mute(2)]) {
      const { chip, host } = await activated();
      chip.faults.push(fault);
      expect(await host.ask(`4001${SELECT}`)).toBe('41009000');
      expect(await host.ask(`4001${SELECT}`)).toBe('4101');
      expect(chip.cards).toHaveLength(fault.name.startsWith('mute') ? 1 : 0);
    }
  });

  it('takes no block that is longer than the card may send', async () => {
    const { chip, host } = await activated();
    chip.chipFaults.add({ kind: 'oversize-block', times: 3 });
    expect(await host.ask(`4001${SELECT}`)).toBe('4109');
  });

  it('refuses numbers that are not listed, and chaining by the host', async () => {
    const { host } = await activated();
    expect(await host.ask(`4002${SELECT}`)).toBe('4127');
    expect(await host.ask(`4041${SELECT}`)).toBe('4110');
  });

  it('never delivers a wrong answer, whatever happens on the air', async () => {
    const kinds: ChipFaultKind[] = ['rf-timeout', 'frame-error', 'oversize-block'];
    const fault = fc.record({
      kind: fc.constantFrom(...kinds),
      at: fc.integer({ min: 1, max: 9 }),
      times: fc.integer({ min: 1, max: 3 }),
      // More than a frame of the chip holds, or the chip could not know.
      value: fc.integer({ min: 61, max: 300 }),
    });
    const length = fc.integer({ min: 4, max: 262 });
    await fc.assert(
      fc.asyncProperty(fc.array(fault, { maxLength: 4 }), length, length, async (faults, there, back) => {
        const { chip, host } = await activated();
        for (const each of faults) chip.chipFaults.add(each);
        const command = echoCommand(there, back - 2);
        const answer = await host.ask(`4001${toHex(command)}`);
        if (answer.startsWith('4100')) expect(answer.slice(4)).toBe(toHex(expected(command, back - 2)));
        else expect(answer).toMatch(/^41(01|02|09|0B)$/);
      }),
      { numRuns: 150 },
    );
  });
});

function expected(command: Uint8Array, back: number): Uint8Array {
  const data = new Uint8Array(back).map((_byte, at) => command[at % command.length] ?? 0);
  return concat(data, fromHex('9000'));
}

describe('InCommunicateThru', () => {
  it('carries single blocks, and the card keeps the rules of ISO 14443-4', async () => {
    const { host } = await activated();
    // Chained there: each part is acknowledged, and its acknowledgement repeated when asked again.
    expect(await host.ask('421A0100EE')).toBe('4300AA01');
    expect(await host.ask('42BA01')).toBe('4300AA01');
    expect(await host.ask('421B010050')).toBe('4300AB01');
    // Chained back: 80 bytes and the status word in frames of 64.
    const command = fromHex('00EE0050A1A2');
    const whole = toHex(expected(command, 0x50));
    expect(await host.ask('420A01A1A2')).toBe(`43001A01${whole.slice(0, 120)}`);
    // Not heard: the same block again. Heard: the rest.
    expect(await host.ask('42BA01')).toBe(`43001A01${whole.slice(0, 120)}`);
    expect(await host.ask('42AB01')).toBe(`43000B01${whole.slice(120)}`);
    // Nothing is left: an acknowledgement shows that the card is there.
    expect(await host.ask('42BA01')).toBe('4300AB01');
    expect(await host.ask('42CA01')).toBe('4300CA01');
    expect(await host.ask('42BA01')).toBe('4301');
  });

  it('reaches only the card that is meant', async () => {
    const { host } = await activated();
    for (const block of ['0A0200A40000', '0200A40000', '0E010000A40000']) {
      expect(await host.ask(`42${block}`)).toBe('4301');
    }
    expect(await host.ask('420A0100A40000')).toBe('43000A019000');
  });

  it('carries 1,000 bytes each way in blocks', async () => {
    const { host, card } = await activated();
    const command = echoCommand(1_000, 1_000);
    let number = 0;
    let answer = '';
    for (let at = 0; at < command.length; at += 251) {
      const part = toHex(command.slice(at, at + 251));
      const isLast = at + 251 >= command.length;
      answer = await host.ask(`42${isLast ? '0' : '1'}${(10 + number).toString(16)}01${part}`);
      if (!isLast) expect(answer).toBe(`4300A${(10 + number).toString(16).toUpperCase()}01`);
      number ^= 1;
    }
    let received = answer.slice(8);
    while (answer.startsWith('43001')) {
      answer = await host.ask(`42a${(10 + number).toString(16)}01`);
      received += answer.slice(8);
      number ^= 1;
    }
    expect(received).toBe(toHex(expected(command, 1_000)));
    expect(card.commands).toHaveLength(1);
  });

  it('shows a card that asks for more time, as often as it does', async () => {
    const { chip, host } = await activated();
    chip.chipFaults.add({ kind: 'wtx-storm', value: 3 });
    let answer = await host.ask('420A0100A40000');
    let asked = 0;
    for (; answer.startsWith('4300FA01'); asked += 1) answer = await host.ask(`42${answer.slice(4)}`);
    expect([asked, answer]).toEqual([3, '43000A019000']);
  });

  it('waits as long as RFConfiguration says', async () => {
    const { chip, host } = await activated();
    chip.faults.push(slow(120));
    await host.ask('3202000B0A');
    expect(await host.ask('420A0100A40000')).toBe('4301');
    // The card has its answer ready by the time that it is asked again; the next command has time enough.
    await host.ask('3202000B0C');
    expect(await host.ask('42BA01')).toBe('43000A019000');
    expect(await host.ask('420B0100A40000')).toBe('43000B019000');
  });

  it('reports checksums, takes and gives them raw when told so', async () => {
    const { chip, host } = await activated();
    chip.chipFaults.add({ kind: 'frame-error' });
    expect(await host.ask('42BA01')).toBe('4302');
    await host.ask('08630203630303');
    expect(await host.ask('42BA01')).toBe('4301');
  });

  it('is cut off by the field', async () => {
    const { chip, host } = await activated();
    await host.ask('320100');
    expect(chip.isFieldOn).toBe(false);
    expect(await host.ask('42BA01')).toBe('4301');
  });

  it('loses its card in the middle, and for good', async () => {
    const { chip, host } = await activated();
    chip.chipFaults.add({ kind: 'block-removal', at: 2 });
    expect(await host.ask('421A0100A4')).toBe('4300AA01');
    expect(await host.ask('420B010000')).toBe('4301');
    expect(chip.cards).toEqual([]);
  });
});
