/** `npm run -s card`: serves a simulated card or SAM to a real pcscd or on an emulated PN532, or writes it into a file. */
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CardControl } from '#drivers/simulated/control.ts';
import { type CardBox, listPeople, openCardBox, openCardBoxOfFile } from './card/box.ts';
import { type CardOrder, parseCardOrder, type ServeOrder, USAGE } from './card/order.ts';
import { openServedSlot, type ServedSlot } from './card/served-slot.ts';
import { CommandProblem, runCommand, UsageProblem, writeResult } from './command.ts';

const say = (line: string): boolean => process.stderr.write(`${line}\n`);

async function run(words: readonly string[]): Promise<number> {
  const order = parseCardOrder(words);
  if (order.does === 'help') process.stdout.write(`${USAGE}\n`);
  else if (order.does === 'list') process.stdout.write(`${listPeople().join('\n')}\n`);
  else await runWithCards(order);
  return 0;
}

async function runWithCards(order: Extract<CardOrder, { does: 'card' }>): Promise<void> {
  const box = order.cardFile === undefined ? await openCardBox(order) : openCardBoxOfFile(order.cardFile);
  if (order.exportFile !== undefined) {
    writeResult(order.exportFile, `${JSON.stringify(box.exportable, null, 2)}\n`);
    say(`書き出しました / written: ${order.exportFile}`);
  }
  if (order.serve !== undefined) await serve(order, order.serve, box);
}

async function serve(
  { timing, faults }: Extract<CardOrder, { does: 'card' }>,
  where: ServeOrder,
  box: CardBox,
): Promise<void> {
  const stopped = untilStopped();
  const slot = await openServedSlot(where, box.usualPort, timing);
  try {
    const control = new CardControl(slot, box.cards);
    for (const fault of faults) {
      const answer = await control.run(`fault ${fault}`);
      if (!answer.startsWith('fault ')) throw new UsageProblem(`--fault ${fault}: unknown\n${answer}`);
    }
    await control.run(`insert ${box.first}`);
    say(`カードを置きました / card in the slot: ${box.firstLabel} (${slot.place}, Ctrl-C ends)`);
    if (process.stdin.isTTY) await takeOrders(control, slot, stopped);
    else await Promise.race([stopped, failWhenLost(slot)]);
  } finally {
    await slot.close();
  }
}

/** Lines typed by a person; a card that left can be put back. */
async function takeOrders(control: CardControl, slot: ServedSlot, stopped: Promise<void>): Promise<void> {
  slot.onLost = () => say('カードが離れました / the card left the slot');
  const lines = createInterface({ input: process.stdin, output: process.stderr, prompt: '> ' });
  const answer = async (line: string): Promise<void> => {
    say(await control.run(line).catch((thrown: unknown) => String(thrown)));
    lines.prompt();
  };
  lines.on('line', (line) => void answer(line));
  lines.prompt();
  await Promise.race([stopped, once(lines, 'SIGINT'), once(lines, 'close')]);
  lines.close();
}

/** Nobody is there to put it back. */
function failWhenLost(slot: ServedSlot): Promise<never> {
  return new Promise((_resolve, reject) => {
    slot.onLost = () =>
      reject(
        new CommandProblem('card.removed', {
          ja: '相手（pcscd など）が終了したか、指定した障害が起きました。もう一度実行してください。',
          en: 'The other side (pcscd, say) ended, or the fault that you asked for happened. Run the command again.',
        }),
      );
  });
}

function untilStopped(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => resolve());
  });
}

await runCommand(USAGE, run);
