import { describe, expect, it, onTestFinished } from 'vitest';
import { VirtualClock } from '#ports/testing/virtual-clock.ts';
import { Chip } from './chip.ts';
import { communicateThru, GET_FIRMWARE_VERSION } from './commands.ts';
import { ACK, fromHex, NACK, ScriptedLine, type Step } from './testing/scripted-line.ts';

const ASK = '0000FF02FED4022A00';
const ANSWER = '0000FF06FAD50332010607E800';
const FIRMWARE = fromHex('32010607');
/** InCommunicateThru of R(NAK). */
const SAY = '0000FF03FDD442B23800';
const SAID = '0000FF04FCD54300A34500';

async function converse(
  steps: readonly Step[],
): Promise<{ chip: Chip; line: ScriptedLine; time: VirtualClock }> {
  const line = new ScriptedLine(steps);
  const time = new VirtualClock();
  const chip = await Chip.open(line.open, { baudRate: 115_200, clock: time });
  onTestFinished(() => {
    expect(line.unexpected).toEqual([]);
    expect(line.isFinished).toBe(true);
  });
  return { chip, line, time };
}

describe('Chip', () => {
  it('takes the answer after the acknowledgement, in any chunks and between noise', async () => {
    const { chip, time } = await converse([
      { host: ASK, chip: ['0000', 'FF00FF00AA', '55', ANSWER.slice(0, 8), ANSWER.slice(8)] },
    ]);
    expect(await time.run(chip.command(GET_FIRMWARE_VERSION))).toEqual(FIRMWARE);
    expect(time.monotonicMs()).toBeLessThan(1);
  });

  it('asks again for a damaged answer', async () => {
    const { chip, time } = await converse([
      { host: ASK, chip: [ACK, '0000FF06FAD50332010608E800'] },
      { host: NACK, chip: [ANSWER] },
    ]);
    expect(await time.run(chip.command(GET_FIRMWARE_VERSION))).toEqual(FIRMWARE);
  });

  it('asks again for an answer that stopped in the middle, and for one that never came', async () => {
    const { chip, time } = await converse([
      { host: ASK, chip: [ACK, '0000FF06FAD503'] },
      { host: NACK },
      { host: NACK, chip: [ANSWER] },
    ]);
    expect(await time.run(chip.command(GET_FIRMWARE_VERSION))).toEqual(FIRMWARE);
  });

  it('repeats a harmless command that was not acknowledged', async () => {
    const { chip, time } = await converse([{ host: ASK }, { host: ACK }, { host: ASK, chip: [ACK, ANSWER] }]);
    expect(await time.run(chip.command(GET_FIRMWARE_VERSION))).toEqual(FIRMWARE);
  });

  it('never repeats a block to the card, nor takes an answer without acknowledgement for its own', async () => {
    const { chip, time } = await converse([
      { host: SAY, chip: [SAID] },
      { host: ACK },
      { host: SAY, chip: [ACK, SAID] },
    ]);
    const block = communicateThru(fromHex('B2'));
    await expect(time.run(chip.command(block))).rejects.toMatchObject({ kind: 'no-ack' });
    expect(await time.run(chip.command(block))).toEqual(fromHex('00A3'));
  });

  it('does not take a late answer to an earlier command for the answer to this one', async () => {
    const { chip, time } = await converse([{ host: SAY, chip: ['0000FF04FCD54300A24600', ACK, SAID] }]);
    expect(await time.run(chip.command(communicateThru(fromHex('B2'))))).toEqual(fromHex('00A3'));
  });

  it('gives up on a chip that acknowledges and says nothing', async () => {
    const again = { host: NACK };
    const { chip, time } = await converse([{ host: SAY, chip: [ACK] }, again, again, again]);
    await expect(time.run(chip.command(communicateThru(fromHex('B2'))))).rejects.toMatchObject({
      kind: 'no-response',
    });
    expect(time.monotonicMs()).toBeLessThan(1_000);
  });

  it('gives up at the deadline and when told, and aborts the chip before the next command', async () => {
    const { chip, time } = await converse([
      { host: SAY, chip: [ACK] },
      { host: ACK },
      { host: SAY, chip: [ACK] },
      { host: ACK },
      { host: ASK, chip: [ACK, ANSWER] },
    ]);
    const block = communicateThru(fromHex('B2'));
    await expect(time.run(chip.command(block, { timeoutMs: 4_000, deadlineMs: 50 }))).rejects.toMatchObject({
      kind: 'deadline',
    });
    expect(time.monotonicMs()).toBe(50);
    const stop = new AbortController();
    const reason = new Error('closing');
    time.after(200, () => stop.abort(reason));
    await expect(time.run(chip.command(block, { timeoutMs: 4_000, signal: stop.signal }))).rejects.toBe(
      reason,
    );
    expect(await time.run(chip.command(GET_FIRMWARE_VERSION))).toEqual(FIRMWARE);
  });

  it('says that the chip refused, and that the line has gone', async () => {
    const { chip, line, time } = await converse([
      { host: SAY, chip: [ACK, '0000FF01FF7F8100'] },
      { host: ACK },
      { host: SAY },
    ]);
    const block = communicateThru(fromHex('B2'));
    await expect(time.run(chip.command(block))).rejects.toMatchObject({ kind: 'refused' });
    const lost = expect(time.run(chip.command(block))).rejects.toMatchObject({ kind: 'line-lost' });
    time.after(60, () => line.ears?.onLost(new Error('unplugged')));
    await lost;
    await expect(chip.command(GET_FIRMWARE_VERSION)).rejects.toMatchObject({ kind: 'line-lost' });
  });

  it('answers at once from a line that broke before the command', async () => {
    const { chip, line, time } = await converse([]);
    line.ears?.onLost(new Error('unplugged'));
    await expect(time.run(chip.command(GET_FIRMWARE_VERSION))).rejects.toMatchObject({ kind: 'line-lost' });
  });
});
