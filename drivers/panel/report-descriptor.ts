/**
 * Where in a device's reports its keys are, read from what it says of itself.
 *
 * @see USB HID specification 1.11 §6.2.2 (report descriptor), HID usage tables §10 (keyboard/keypad page)
 */

/** Some keys in a report: an array of usages that are pressed, or one bit for each usage. */
export interface KeyField {
  /** 0 when the device numbers no reports. */
  readonly reportId: number;
  readonly bitOffset: number;
  readonly bitSize: number;
  readonly count: number;
  readonly kind: 'array' | 'bits';
  /** Of the first bit, or of the array's value `logicalMinimum`. */
  readonly firstUsage: number;
  readonly logicalMinimum: number;
}

const PAGE_KEYBOARD = 0x07;
/** Item tags with their type, size bits masked. */
const ITEM = {
  input: 0x80,
  usagePage: 0x04,
  logicalMinimum: 0x14,
  reportSize: 0x74,
  reportId: 0x84,
  reportCount: 0x94,
  push: 0xa4,
  pop: 0xb4,
  usage: 0x08,
  usageMinimum: 0x18,
} as const;
const TYPE_MASK = 0x0c;
const TYPE_MAIN = 0x00;
const LONG_ITEM = 0xfe;
const INPUT_CONSTANT = 0x01;
const INPUT_VARIABLE = 0x02;
const SIZES = [0, 1, 2, 4] as const;
/** Longer than any device's. @see Linux include/linux/hid.h HID_MAX_DESCRIPTOR_SIZE */
const MAX_DESCRIPTOR_BYTES = 4_096;
const MAX_REPORT_BITS = 16_384;

interface Item {
  readonly tag: number;
  readonly value: number;
}

interface Globals {
  usagePage: number;
  logicalMinimum: number;
  reportSize: number;
  reportCount: number;
  reportId: number;
}

/** The fields that carry keys; empty for a device without any, and for a descriptor that makes no sense. */
export function findKeyFields(descriptor: Uint8Array): readonly KeyField[] {
  const reading = new DescriptorReading();
  for (const item of readItems(descriptor.subarray(0, MAX_DESCRIPTOR_BYTES))) reading.take(item);
  return reading.fields;
}

/** What was said so far, as the items of a descriptor build on each other. */
class DescriptorReading {
  readonly fields: KeyField[] = [];
  readonly #bitsSoFar = new Map<number, number>();
  readonly #stack: Globals[] = [];
  #globals: Globals = { usagePage: 0, logicalMinimum: 0, reportSize: 0, reportCount: 0, reportId: 0 };
  #firstUsage: number | undefined;

  take({ tag, value }: Item): void {
    switch (tag) {
      case ITEM.input:
        this.#addInput(value);
        break;
      case ITEM.usage:
      case ITEM.usageMinimum:
        // A usage of four bytes carries its page with it.
        this.#firstUsage ??= value & 0xffff;
        break;
      case ITEM.push:
        this.#stack.push({ ...this.#globals });
        break;
      case ITEM.pop:
        this.#globals = this.#stack.pop() ?? this.#globals;
        break;
      default:
        setGlobal(this.#globals, tag, value);
    }
    // Main items end what was said locally.
    if ((tag & TYPE_MASK) === TYPE_MAIN) this.#firstUsage = undefined;
  }

  #addInput(flags: number): void {
    const { usagePage, reportId, reportSize: bitSize, reportCount: count, logicalMinimum } = this.#globals;
    const bitOffset = this.#bitsSoFar.get(reportId) ?? 0;
    const endBit = bitOffset + bitSize * count;
    if (endBit > MAX_REPORT_BITS) return;
    this.#bitsSoFar.set(reportId, endBit);
    const kind = (flags & INPUT_VARIABLE) === 0 ? 'array' : 'bits';
    const isOfKeys = usagePage === PAGE_KEYBOARD && (flags & INPUT_CONSTANT) === 0;
    if (!isOfKeys || bitSize > (kind === 'array' ? 8 : 1)) return;
    const firstUsage = this.#firstUsage ?? 0;
    this.fields.push({ reportId, bitOffset, bitSize, count, kind, firstUsage, logicalMinimum });
  }
}

function setGlobal(globals: Globals, tag: number, value: number): void {
  if (tag === ITEM.usagePage) globals.usagePage = value;
  else if (tag === ITEM.logicalMinimum) globals.logicalMinimum = value;
  else if (tag === ITEM.reportSize) globals.reportSize = value;
  else if (tag === ITEM.reportId) globals.reportId = value;
  else if (tag === ITEM.reportCount) globals.reportCount = value;
}

function* readItems(descriptor: Uint8Array): Generator<Item> {
  let at = 0;
  while (at < descriptor.length) {
    const prefix = descriptor[at] ?? 0;
    if (prefix === LONG_ITEM) {
      at += 3 + (descriptor[at + 1] ?? 0);
      continue;
    }
    const bytes = SIZES[(prefix & 0x03) as 0 | 1 | 2 | 3];
    let value = 0;
    for (let index = 0; index < bytes; index += 1) value += (descriptor[at + 1 + index] ?? 0) * 256 ** index;
    yield { tag: prefix & 0xfc, value };
    at += 1 + bytes;
  }
}

/** The usages that are pressed in this report; undefined when it carries none of the fields, or is too short. */
export function readPressedUsages(fields: readonly KeyField[], report: Uint8Array): Set<number> | undefined {
  const isNumbered = fields.some(({ reportId }) => reportId !== 0);
  const reportId = isNumbered ? (report[0] ?? 0) : 0;
  const bits = isNumbered ? report.subarray(1) : report;
  const mine = fields.filter((field) => field.reportId === reportId);
  const endBit = Math.max(...mine.map(({ bitOffset, bitSize, count }) => bitOffset + bitSize * count));
  if (mine.length === 0 || endBit > bits.length * 8) return undefined;
  const pressed = new Set<number>();
  for (const field of mine) addPressed(pressed, field, bits);
  return pressed;
}

function addPressed(pressed: Set<number>, field: KeyField, bits: Uint8Array): void {
  for (let index = 0; index < field.count; index += 1) {
    const value = readBits(bits, field.bitOffset + index * field.bitSize, field.bitSize);
    if (field.kind === 'bits') {
      if (value === 1) pressed.add(field.firstUsage + index);
    } else {
      const usage = field.firstUsage + value - field.logicalMinimum;
      if (usage > 0) pressed.add(usage);
    }
  }
}

/** Little-endian, as all of HID. */
function readBits(bytes: Uint8Array, bitOffset: number, bitSize: number): number {
  let value = 0;
  for (let bit = 0; bit < bitSize; bit += 1) {
    const at = bitOffset + bit;
    value |= (((bytes[at >> 3] ?? 0) >> (at & 7)) & 1) << bit;
  }
  return value;
}
