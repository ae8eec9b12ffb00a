/**
 * From a card that answered a call to one that takes blocks.
 *
 * The chip activates a type B card by itself, but promises it to take only 64 bytes per frame. So the card is let go,
 * woken and activated again by us, with 256; a card that does not wake up again is used as the chip activated it.
 *
 * @see ISO 14443-3 §7.7, §7.10 (WUPB, ATTRIB); ISO 14443-4 §5.1 (RATS)
 */
import type { Clock } from '#ports/clock.ts';
import { BlockTransmission, type RadioOutcome } from './block-transmission.ts';
import { type CardLimits, parseAtqb, parseAts } from './card-limits.ts';
import { Pn532Failure } from './failure.ts';
import type { FrontEnd } from './front-end.ts';
import type { FoundCard } from './targets.ts';

export interface ActiveCard {
  readonly type: FoundCard['type'];
  /** ATQB or ATS. */
  readonly identity: Uint8Array;
  readonly transmission: BlockTransmission;
}

/** One number for the one card: another card that wakes up in the field keeps silent. */
const CID = 0x01;
/** FSDI 8 */
const READER_FRAME = { code: 0x08, bytes: 256 } as const;
/** What the chip's own ATTRIB says. */
const CHIP_FRAME_BYTES = 64;
const WUPB = Uint8Array.of(0x05, 0x00, 0x08);
const SPEAKS_BLOCKS = 0x20;
const ACTIVATION_TIMEOUT_MS = 2_000;

interface Activation {
  readonly frontEnd: FrontEnd;
  readonly clock: Clock;
  /** Ends polling, before there is a channel. */
  readonly signal: AbortSignal;
  /** Ends exchanges of the channel. */
  readonly closing: AbortSignal;
}

/** The chip is set to the type of `found`. Rejects with a `Pn532Failure`. */
export async function activate(found: FoundCard, activation: Activation): Promise<ActiveCard> {
  return found.type === 'A' ? activateA(found.selectAcknowledge, activation) : activateB(found, activation);
}

async function activateA(selectAcknowledge: number, activation: Activation): Promise<ActiveCard> {
  if ((selectAcknowledge & SPEAKS_BLOCKS) === 0) throw new Pn532Failure('broken-rules', 'no ISO 14443-4');
  const answer = await ask(Uint8Array.of(0xe0, (READER_FRAME.code << 4) | CID), activation);
  if (answer.kind !== 'answer') throw new Pn532Failure('silent', 'RATS');
  const limits = parseAts(answer.bytes);
  await activation.clock.sleep(limits.guardMs, activation.signal);
  const cid = limits.hasCid ? CID : undefined;
  return {
    type: 'A',
    identity: answer.bytes,
    transmission: begin(limits, cid, READER_FRAME.bytes, activation),
  };
}

async function activateB(
  found: Extract<FoundCard, { type: 'B' }>,
  activation: Activation,
): Promise<ActiveCard> {
  const byChip = useAsActivated(found, activation);
  await letGo(byChip, found, activation);
  const again = await wake(activation);
  if (again) return again;
  const { frontEnd, signal } = activation;
  await frontEnd.resetField(signal);
  const [once] = await frontEnd.list('B', 1, signal);
  if (once?.type !== 'B') throw new Pn532Failure('silent', 'gone while activated');
  return useAsActivated(once, activation);
}

function useAsActivated(found: Extract<FoundCard, { type: 'B' }>, activation: Activation): ActiveCard {
  const cid = (found.attribAnswer[0] ?? 0) & 0x0f;
  const limits = parseAtqb(found.atqb);
  const transmission = begin(limits, cid === 0 ? undefined : cid, CHIP_FRAME_BYTES, activation);
  return { type: 'B', identity: found.atqb, transmission };
}

/** A card whose answer to ATTRIB hides which number it was given is addressed by the firmware's, too. */
async function letGo(
  { transmission }: ActiveCard,
  found: Extract<FoundCard, { type: 'B' }>,
  activation: Activation,
): Promise<void> {
  const deadlineMs = activation.clock.monotonicMs() + ACTIVATION_TIMEOUT_MS;
  if (await transmission.deselect(deadlineMs)) return;
  const numbered = begin(parseAtqb(found.atqb), CID, CHIP_FRAME_BYTES, activation);
  await numbered.deselect(deadlineMs);
}

/** Undefined when the card does not want to. */
async function wake(activation: Activation): Promise<ActiveCard | undefined> {
  const first = await ask(WUPB, activation);
  const outcome = first.kind === 'garbled' ? await ask(WUPB, activation) : first;
  // Everybody wakes at once: two answers on top of each other, twice.
  if (outcome.kind === 'garbled') throw new Pn532Failure('collision', 'WUPB');
  if (outcome.kind !== 'answer') return undefined;
  const atqb = outcome.bytes;
  const limits = parseAtqb(atqb);
  const pupi = atqb.subarray(1, 5);
  const cid = limits.hasCid ? CID : 0;
  // Timing as the standard has it, 106 kbit/s both ways, ISO 14443-4.
  const attrib = Uint8Array.of(0x1d, ...pupi, 0x00, READER_FRAME.code, 0x01, cid);
  const answer = await ask(attrib, activation);
  if (answer.kind !== 'answer' || answer.bytes[0] === undefined) return undefined;
  const taken = answer.bytes[0] & 0x0f;
  if (taken !== 0 && taken !== cid) throw new Pn532Failure('broken-rules', 'ATTRIB');
  const transmission = begin(limits, taken === 0 ? undefined : taken, READER_FRAME.bytes, activation);
  return { type: 'B', identity: atqb, transmission };
}

/** A frame of activation. */
async function ask(frame: Uint8Array, { frontEnd, clock, signal }: Activation): Promise<RadioOutcome> {
  const deadlineMs = clock.monotonicMs() + ACTIVATION_TIMEOUT_MS;
  return frontEnd.exchange(frame, { patience: 'sign-of-life', deadlineMs }, signal);
}

function begin(
  limits: CardLimits,
  cid: number | undefined,
  readerFrameBytes: number,
  { frontEnd, clock, closing }: Activation,
): BlockTransmission {
  return new BlockTransmission({
    radio: (block, wait) => frontEnd.exchange(block, wait, closing),
    clock,
    cid,
    cardFrameBytes: limits.frameBytes,
    readerFrameBytes,
    frameWaitMs: limits.frameWaitMs,
  });
}
