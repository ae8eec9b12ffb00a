import { describe, expect, it, test } from 'vitest';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { type ActiveCard, activate } from './activation.ts';
import { Chip } from './chip.ts';
import { FrontEnd } from './front-end.ts';
import type { FoundCard } from './targets.ts';
import { AnsweringLine, type AnswerOf } from './testing/answering-line.ts';
import { fromHex } from './testing/scripted-line.ts';

const ATQB = '50DEADBEEF000041E0B381A1';
const ATQB_WITHOUT_CID = '50DEADBEEF000041E0B381A0';
const LIST_ONE_B = '4A010300';
const never = new AbortController().signal;

/** What the chip said when it found the card. */
const foundB = (attribAnswer = '01', atqb = ATQB): FoundCard => ({
  type: 'B',
  atqb: fromHex(atqb),
  attribAnswer: fromHex(attribAnswer),
});

async function activated(found: FoundCard, answers: Readonly<Record<string, string>>, otherwise: AnswerOf) {
  const time = new VirtualClock();
  const line = new AnsweringLine(time, (command) => answers[command] ?? otherwise(command));
  const frontEnd = new FrontEnd(await Chip.open(line.open, { baudRate: 115_200, clock: time }), time);
  const card = activate(found, { frontEnd, clock: time, signal: never, closing: never });
  const run = (): Promise<ActiveCard> => time.run(card);
  const send = async (length: number): Promise<string> => {
    const { transmission } = await run();
    line.commands.length = 0;
    await time.run(transmission.transmit(new Uint8Array(length), 1e6)).catch(() => {});
    return line.commands.find((command) => command.startsWith('42')) ?? '';
  };
  return { run, send, line };
}

/** Settings are taken; a card that is not asked for in the table says nothing. */
const quiet: AnswerOf = (command) => (command.startsWith('42') ? '01' : '');

describe('a card of type B', () => {
  const willing = { '42CA01': '00CA01', '42050008': `00${ATQB}`, '421DDEADBEEF00080101': '0001' };

  it('is let go, woken and activated again with frames of 256 bytes and a number', async () => {
    const { run, send, line } = await activated(foundB(), willing, quiet);
    expect(await run()).toMatchObject({ type: 'B', identity: fromHex(ATQB) });
    expect(line.commands.filter((command) => command.startsWith('42'))).toEqual([
      '42CA01',
      '42050008',
      '421DDEADBEEF00080101',
    ]);
    expect(await send(300)).toMatch(/^421A01(00){251}$/);
  });

  it('gets no number where it takes none', async () => {
    const answers = { '42C2': '00C2', '42050008': `00${ATQB_WITHOUT_CID}`, '421DDEADBEEF00080100': '0000' };
    const { send } = await activated(foundB('00', ATQB_WITHOUT_CID), answers, quiet);
    expect(await send(3)).toBe('4202000000');
  });

  it('that says goodbye only by the number that the firmware gave it is heard, too', async () => {
    const { run } = await activated(foundB('00'), willing, quiet);
    expect(await run()).toMatchObject({ type: 'B' });
  });

  it('that does not wake up is used as the chip activated it', async () => {
    const listed = `0101${ATQB}0101`;
    const { send, line } = await activated(foundB(), { '42CA01': '00CA01', [LIST_ONE_B]: listed }, quiet);
    expect(await send(3)).toBe('420A01000000');
    expect(line.baudRate).toBe(115_200);
  });

  it('that has gone meanwhile is silent', async () => {
    const { run } = await activated(foundB(), { '42CA01': '00CA01', [LIST_ONE_B]: '00' }, quiet);
    await expect(run()).rejects.toMatchObject({ kind: 'silent' });
  });

  it('that answers together with another one is a collision', async () => {
    const { run } = await activated(foundB(), { '42CA01': '00CA01', '42050008': '02' }, quiet);
    await expect(run()).rejects.toMatchObject({ kind: 'collision' });
  });

  it('that takes another number breaks the rules', async () => {
    const { run } = await activated(foundB(), { ...willing, '421DDEADBEEF00080101': '0005' }, quiet);
    await expect(run()).rejects.toMatchObject({ kind: 'broken-rules' });
  });
});

describe('a card of type A', () => {
  test.each([
    ['with a number', '0578B17002', '420A01000000'],
    ['without a number', '0578B17000', '4202000000'],
  ])('%s is asked for its parameters', async (_name, ats, block) => {
    const { run, send } = await activated(
      { type: 'A', selectAcknowledge: 0x20 },
      { '42E081': `00${ats}` },
      quiet,
    );
    expect(await run()).toMatchObject({ type: 'A', identity: fromHex(ats) });
    expect(await send(3)).toBe(block);
  });

  it('without ISO 14443-4 is none of ours', async () => {
    const { run } = await activated({ type: 'A', selectAcknowledge: 0x08 }, {}, quiet);
    await expect(run()).rejects.toMatchObject({ kind: 'broken-rules' });
  });
});

it('tells trouble of the chip from trouble of the card', async () => {
  const { run } = await activated(foundB(), { '42CA01': '2D' }, quiet);
  await expect(run()).rejects.toMatchObject({ kind: 'chip-trouble' });
});
