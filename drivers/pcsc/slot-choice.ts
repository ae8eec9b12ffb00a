/**
 * Which of pcscd's slots is the antenna, and which holds the SAM.
 *
 * Names tell it most of the time ("… [ACR1252 Dual Reader PICC] 00 00"), the cards in them sometimes; both are wrong
 * sometimes, so the configuration goes first, and what was decided is said together with its reason. Never by index: the
 * order of slots is nobody's promise. @see docs/protocol-facts.md 6
 */
import type { ReaderReport } from '#card/channel.ts';
import { SekishoError } from '#contract/errors.ts';
import type { ReaderState } from './binding.ts';
import { PcscFailure } from './failure.ts';

export type SlotRole = 'card' | 'sam';

export interface SlotWish {
  readonly role: SlotRole;
  /** Part of the name, or a pattern, from the configuration. */
  readonly name?: string | RegExp | undefined;
}

export interface ChosenSlot {
  readonly reader: ReaderState;
  readonly by: NonNullable<ReaderReport['chosenBy']>;
}

const SAYS: Readonly<Record<SlotRole, RegExp>> = {
  card: /\b(PICC|NFC|CL|RFID|contactless)\b/i,
  sam: /\bSAM\b/i,
};
const OTHER: Readonly<Record<SlotRole, SlotRole>> = { card: 'sam', sam: 'card' };

/** Throws `PcscFailure` when there is no such slot, `reader.undecided` when there is more than one. */
export function chooseSlot(readers: readonly ReaderState[], { role, name }: SlotWish): ChosenSlot {
  const wished = readers.filter((reader) => isNamed(reader, name));
  if (name !== undefined && wished.length === 1) return choose(wished, 'config');
  if (wished.length === 0) throw new PcscFailure('Unknown reader');
  const saying = wished.filter((reader) => says(reader, role));
  if (new Set(saying.map(({ name }) => readerOf(name))).size === 1)
    return choose(occupiedFirst(saying), 'name');
  const open = saying.length > 1 ? saying : wished.filter((reader) => !says(reader, OTHER[role]));
  if (open.length === 0) throw new PcscFailure('Unknown reader');
  if (open.length === 1) return choose(open, 'only');
  const fitting = role === 'sam' ? open.filter(holdsContactCard) : withAntenna(open);
  if (fitting.length === 1) return choose(fitting, 'probe');
  throw new SekishoError('reader.undecided', {
    context: { role, candidates: open.map((reader) => reader.name).join(' | ') },
  });
}

function choose([reader]: readonly ReaderState[], by: ChosenSlot['by']): ChosenSlot {
  if (reader === undefined) throw new PcscFailure('Unknown reader');
  return { reader, by };
}

/** pcscd appends the number of the slot in its reader, two hexadecimal digits. */
function readerOf(name: string): string {
  return name.replace(/ [0-9A-F]{2}$/, '');
}

/** Slots of one reader that all say the same: whatever lies there decides, then the order. */
function occupiedFirst(slots: readonly ReaderState[]): readonly ReaderState[] {
  return slots.toSorted((a, b) => Number(hasAtr(b)) - Number(hasAtr(a)) || a.name.localeCompare(b.name));
}

function hasAtr({ atr }: ReaderState): boolean {
  return atr !== undefined && atr.length > 0;
}

function isNamed(reader: ReaderState, name: SlotWish['name']): boolean {
  if (name === undefined) return true;
  return typeof name === 'string' ? reader.name.includes(name) : name.test(reader.name);
}

/** A name that says both is a name for the pair: "SAM" in it then is the more special word. */
function says(reader: ReaderState, role: SlotRole): boolean {
  return roleOf(reader.name) === role;
}

/** What a name says by itself; undefined when it says nothing. */
export function roleOf(name: string): SlotRole | undefined {
  if (SAYS.sam.test(name)) return 'sam';
  return SAYS.card.test(name) ? 'card' : undefined;
}

/** A slot that shows a card on an antenna, or else the ones that hold no contact card. */
function withAntenna(readers: readonly ReaderState[]): readonly ReaderState[] {
  const showing = readers.filter(({ atr }) => isContactless(atr));
  return showing.length > 0 ? showing : readers.filter((reader) => !holdsContactCard(reader));
}

function holdsContactCard(reader: ReaderState): boolean {
  return hasAtr(reader) && !isContactless(reader.atr);
}

/**
 * Readers make up the ATR of a contactless card: 3B 8n 80 01 and historical bytes. Used to tell slots apart, never cards.
 * @see PC/SC part 3 §3.1.3.2.3
 */
function isContactless(atr: Uint8Array | undefined): boolean {
  if (atr === undefined) return false;
  const [ts = 0, t0 = 0, td1 = 0, td2 = 0] = atr;
  return ts === 0x3b && t0 >> 4 === 0x8 && td1 === 0x80 && td2 === 0x01;
}
