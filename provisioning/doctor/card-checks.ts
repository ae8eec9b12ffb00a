/**
 * What a card on the reader shows of the reader, with any ISO 7816 card; asks a person for it.
 *
 * Long commands are SELECT by a name of 393 or 993 bytes, longer than any name may be (16): a card takes them
 * in whole, refuses them with a status word, and is as it was. No PIN, no counter, nothing personal is touched.
 */
import { encodeHex, fromHex } from '#card/bytes.ts';
import type { CardChannel, CardReader } from '#card/channel.ts';
import { toSekishoError } from '#contract/errors.ts';
import type { Clock } from '#ports/clock.ts';
import { type Bilingual, type Finding, type FindingSink, nextOf } from './finding.ts';

export interface CardCheckOptions {
  readonly device: string;
  readonly reader: CardReader;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** How long a card, or its removal, is waited for. */
  readonly waitMs: number;
  readonly tell: FindingSink;
  /** Tells the person what to do now. */
  readonly ask: (what: Bilingual) => void;
}

const SELECT_JPKI = fromHex('00A4040C0AD392F000260100000001');
/** The certificate of the CA: the same on every card, free to read. @see docs/protocol-facts.md 1.4 */
const SELECT_CA_CERTIFICATE = fromHex('00A4020C02000B');
const READ_256_BYTES = fromHex('00B0000000');
const SLOW_MS = 2_900;
const EXCHANGE_TIMEOUT_MS = 5_000;
const PRESENCE_MS = 1_000;

const TITLES = {
  card: { ja: 'カードの検出', en: 'card found' },
  'apdu-400': { ja: '400バイトのコマンド', en: '400-byte command' },
  'apdu-1000': { ja: '1,000バイトのコマンド', en: '1,000-byte command' },
  'answer-256': { ja: '256バイトの応答', en: '256-byte answer' },
  'slow-answer': { ja: '3秒かかる応答', en: '3-second answer' },
  presence: { ja: 'カードがある間の検知', en: 'card stays noticed' },
  removal: { ja: 'カードを離した検知', en: 'removal noticed' },
} as const satisfies Readonly<Record<string, Bilingual>>;
type Check = keyof typeof TITLES;

const PLACE = { ja: 'カードを1枚、読み取り位置に置いてください。', en: 'Place one card on the reader.' };
const TAKE = { ja: 'カードを離してください。', en: 'Take the card away.' };
const TEST_CARD = {
  ja: '3秒考えるテストカードが必要です。`npm run -s card -- … --fault slow:3000` の模擬カードで試せます。',
  en: 'Needs a test card that thinks for 3 s: a simulated one (`npm run -s card -- … --fault slow:3000`).',
};
const MY_NUMBER_CARD = {
  ja: 'マイナンバーカードで試してください。',
  en: 'Try it with a My Number Card.',
};
const SMALL_READS = {
  ja: '設定で `reader.maxReadBlockBytes` を 240 にしてください。',
  en: 'Set `reader.maxReadBlockBytes` to 240.',
};
const PRESENCE_LOST = {
  ja: 'カードを動かさずにもう一度試し、だめならアンテナの近くの金属を離してください。',
  en: 'Try again without moving the card; then keep metal away from the antenna.',
};

export async function checkWithCard(options: CardCheckOptions): Promise<void> {
  const { reader, signal, waitMs, tell, device, ask, clock } = options;
  const say = (check: Check, finding: Omit<Finding, 'check' | 'title' | 'device'>): void =>
    tell({ check, device, title: TITLES[check], ...finding });
  ask(PLACE);
  const channel = await within(waitMs, signal, (stop) => reader.waitForCard(stop)).catch((thrown) => {
    say('card', { result: 'fail', next: nextOf(toSekishoError(thrown)) });
    return 'failed' as const;
  });
  if (channel === 'failed' || channel === undefined) {
    const rest = channel === undefined ? ALL : ALL.slice(1);
    for (const check of rest) say(check, { result: 'skip', next: PLACE });
    return;
  }
  say('card', { result: 'pass' });
  try {
    await exchangeAll(channel, clock, say);
    await watchPresence(channel, options, say);
  } finally {
    await channel.close();
  }
}

const ALL = Object.keys(TITLES) as readonly Check[];
type Say = (check: Check, finding: Omit<Finding, 'check' | 'title' | 'device'>) => void;

/** `00 A4 04 0C 00 Lc Lc name`: an extended command of `bytes`. */
function longSelect(bytes: number): Uint8Array {
  const command = new Uint8Array(bytes).fill(0xa0);
  const lc = bytes - 7;
  command.set([0x00, 0xa4, 0x04, 0x0c, 0x00, lc >> 8, lc & 0xff]);
  return command;
}

async function exchangeAll(channel: CardChannel, clock: Clock, say: Say): Promise<void> {
  const transmit = (command: Uint8Array): Promise<Uint8Array> =>
    channel.transmit(command, { timeoutMs: EXCHANGE_TIMEOUT_MS });
  const attempt = async (check: Check, work: () => Promise<void>): Promise<void> => {
    await work().catch((thrown: unknown) =>
      say(check, { result: 'fail', next: nextOf(toSekishoError(thrown)) }),
    );
  };
  await attempt('slow-answer', async () => {
    const startedMs = clock.monotonicMs();
    await transmit(SELECT_JPKI);
    const tookMs = Math.round(clock.monotonicMs() - startedMs);
    const isSlow = tookMs >= SLOW_MS;
    say('slow-answer', { detail: `${tookMs} ms`, ...(isSlow ? PASS : { result: 'skip', next: TEST_CARD }) });
  });
  for (const bytes of [400, 1_000] as const) {
    await attempt(`apdu-${bytes}`, async () => {
      const answer = await transmit(longSelect(bytes));
      say(`apdu-${bytes}`, { ...PASS, detail: `SW ${encodeHex(answer.slice(-2))}` });
    });
  }
  await attempt('answer-256', async () => {
    const isThere = isOk(await transmit(SELECT_JPKI)) && isOk(await transmit(SELECT_CA_CERTIFICATE));
    if (!isThere) return say('answer-256', { result: 'skip', next: MY_NUMBER_CARD });
    const answer = await transmit(READ_256_BYTES);
    const isWhole = answer.length === 258;
    const detail = `${answer.length - 2} bytes`;
    say('answer-256', isWhole ? { ...PASS, detail } : { result: 'fail', detail, next: SMALL_READS });
  });
}

/** The channel stays open: presence is asked between exchanges, and must not end the card's session. */
async function watchPresence(channel: CardChannel, options: CardCheckOptions, say: Say): Promise<void> {
  const { reader, signal, waitMs, ask } = options;
  const gone = (waitFor: number): Promise<true | undefined> =>
    within(waitFor, signal, async (stop) => {
      await reader.waitForRemoval(channel, stop);
      return true as const;
    });
  try {
    const left = await gone(PRESENCE_MS);
    say('presence', left ? { result: 'fail', next: PRESENCE_LOST } : PASS);
    if (left) return say('removal', { result: 'skip', next: PLACE });
    await channel.transmit(SELECT_JPKI, { timeoutMs: EXCHANGE_TIMEOUT_MS });
    ask(TAKE);
    say('removal', (await gone(waitMs)) ? PASS : { result: 'skip', next: TAKE });
  } catch (thrown) {
    say('removal', { result: 'fail', next: nextOf(toSekishoError(thrown)) });
  }
}

const PASS = { result: 'pass' } as const;

/** Undefined when the time is over. */
async function within<T>(
  ms: number,
  signal: AbortSignal,
  work: (stop: AbortSignal) => Promise<T>,
): Promise<T | undefined> {
  const time = AbortSignal.timeout(ms);
  return work(AbortSignal.any([signal, time])).catch((thrown: unknown) => {
    if (!time.aborted || signal.aborted || thrown !== time.reason) throw thrown;
    return undefined;
  });
}

function isOk(answer: Uint8Array): boolean {
  return answer.at(-2) === 0x90 && answer.at(-1) === 0x00;
}
