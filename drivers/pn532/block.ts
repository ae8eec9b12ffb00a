/**
 * Blocks between reader and card: one byte that says what it is (PCB), perhaps the card's number (CID), information.
 * The chip adds and checks the CRC.
 *
 * @see ISO 14443-4 §7.1
 */

/** 0 or 1: tells a block from its predecessor. */
export type BlockNumber = 0 | 1;

export type Block =
  | {
      readonly kind: 'information';
      readonly number: BlockNumber;
      /** More of the same APDU follows. */
      readonly isChained: boolean;
      readonly bytes: Uint8Array;
    }
  | { readonly kind: 'ack' | 'nak'; readonly number: BlockNumber }
  | { readonly kind: 'deselect' }
  /** The card needs `multiplier` times its frame waiting time. */
  | { readonly kind: 'wait'; readonly multiplier: number };

const INFORMATION = 0x02;
const CHAINED = 0x10;
const ACKNOWLEDGE = 0xa2;
const NOT_ACKNOWLEDGE = 0xb2;
const DESELECT = 0xc2;
const WAIT = 0xf2;
const HAS_CID = 0x08;
const HAS_NAD = 0x04;
const NUMBER = 0x01;
/** The upper bits tell how well the card is powered. @see ISO 14443-4 §7.1.1.2 */
const CID_BITS = 0x0f;
const MULTIPLIER_BITS = 0x3f;
/** 0 and 60 to 63 are reserved. @see ISO 14443-4 §7.3 */
const LONGEST_MULTIPLIER = 59;

/** PCB without CID and information. */
const PCB_BYTES = 1;
const CID_BYTES = 1;

/** What a block costs besides its information. */
export function headerBytes(cid: number | undefined): number {
  return cid === undefined ? PCB_BYTES : PCB_BYTES + CID_BYTES;
}

export function encodeBlock(block: Block, cid: number | undefined): Uint8Array {
  const pcb = pcbOf(block) | (cid === undefined ? 0 : HAS_CID);
  const header = cid === undefined ? [pcb] : [pcb, cid];
  return Uint8Array.of(...header, ...contentOf(block));
}

/** Undefined when it is no block that a card may send to us. */
export function parseBlock(bytes: Uint8Array, cid: number | undefined): Block | undefined {
  const [pcb = 0, second] = bytes;
  const hasCid = (pcb & HAS_CID) !== 0;
  if (hasCid !== (cid !== undefined)) return undefined;
  if (hasCid && (second === undefined || (second & CID_BITS) !== cid)) return undefined;
  return interpret(pcb & ~HAS_CID, bytes.slice(headerBytes(cid)));
}

function interpret(pcb: number, content: Uint8Array): Block | undefined {
  const number: BlockNumber = (pcb & NUMBER) === 0 ? 0 : 1;
  const kind = pcb & ~NUMBER;
  if ((kind & ~CHAINED & ~HAS_NAD) === INFORMATION) {
    if ((kind & HAS_NAD) !== 0) return undefined;
    return { kind: 'information', number, isChained: (kind & CHAINED) !== 0, bytes: content };
  }
  if (kind === ACKNOWLEDGE && content.length === 0) return { kind: 'ack', number };
  if (kind === NOT_ACKNOWLEDGE && content.length === 0) return { kind: 'nak', number };
  if (pcb === DESELECT && content.length === 0) return { kind: 'deselect' };
  if (pcb === WAIT && content.length === 1) return interpretWait((content[0] ?? 0) & MULTIPLIER_BITS);
  return undefined;
}

function interpretWait(multiplier: number): Block | undefined {
  return multiplier >= 1 && multiplier <= LONGEST_MULTIPLIER ? { kind: 'wait', multiplier } : undefined;
}

function pcbOf(block: Block): number {
  switch (block.kind) {
    case 'information':
      return INFORMATION | (block.isChained ? CHAINED : 0) | block.number;
    case 'ack':
      return ACKNOWLEDGE | block.number;
    case 'nak':
      return NOT_ACKNOWLEDGE | block.number;
    case 'deselect':
      return DESELECT;
    case 'wait':
      return WAIT;
  }
}

function contentOf(block: Block): Uint8Array {
  if (block.kind === 'information') return block.bytes;
  return block.kind === 'wait' ? Uint8Array.of(block.multiplier) : new Uint8Array(0);
}
