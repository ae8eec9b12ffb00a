/**
 * READ BINARY, and whole files with the fewest commands: the first block tells the length by its own TLV header.
 * @see ISO 7816-4 §11.3.3; end-of-file behaviour: docs/protocol-facts.md 1.3
 */
import { SekishoError } from '#contract/errors.ts';
import { concatBytes } from '../bytes.ts';
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { SW, statusToError } from '../status-word.ts';
import { parseTlvHeader } from '../tlv.ts';
import { selectFile } from './select-file.ts';

/** Which file: by short identifier (no SELECT needed) or by file identifier (selected first). */
export type FileReference = { readonly shortId: number } | { readonly fileId: number };

export interface ReadOptions {
  /** The most bytes to ask for in one command; real cards give 256, more means extended Le. Default 256. */
  readonly maxReadBlockBytes?: number | undefined;
}

const DEFAULT_BLOCK_BYTES = 256;
/** P1 bit 8 says "short identifier", so 15 bits are left for the offset. */
const MAX_OFFSET = 0x7fff;

/** Reads the one TLV object that the file starts with, without the filler behind it. */
export async function readObjectFile(
  exchange: CardExchange,
  file: FileReference,
  options: ReadOptions = {},
): Promise<Uint8Array> {
  const blockBytes = blockBytesOf(exchange, options);
  const first = await readFirst(exchange, file, blockBytes);
  const { headerBytes, valueBytes } = parseTlvHeader(first);
  return readRest(exchange, first, headerBytes + valueBytes, blockBytes);
}

/** Reads exactly `lengthBytes` from the start of a file that has no inner structure. */
export async function readFixedFile(
  exchange: CardExchange,
  file: FileReference,
  lengthBytes: number,
  options: ReadOptions = {},
): Promise<Uint8Array> {
  const blockBytes = blockBytesOf(exchange, options);
  const first = await readFirst(exchange, file, Math.min(blockBytes, lengthBytes));
  return readRest(exchange, first, lengthBytes, blockBytes);
}

/** What the caller wants, within what the reader can. */
function blockBytesOf(exchange: CardExchange, options: ReadOptions): number {
  return Math.min(options.maxReadBlockBytes ?? DEFAULT_BLOCK_BYTES, exchange.maxReadBlockBytes ?? Infinity);
}

async function readFirst(exchange: CardExchange, file: FileReference, bytes: number): Promise<Uint8Array> {
  if ('shortId' in file) return readBlock(exchange, 0x80 | file.shortId, 0x00, bytes);
  await selectFile(exchange, file.fileId);
  return readBlock(exchange, 0x00, 0x00, bytes);
}

/** A short identifier also makes its file the current one, so the rest goes by offset alone. */
async function readRest(
  exchange: CardExchange,
  first: Uint8Array,
  totalBytes: number,
  blockBytes: number,
): Promise<Uint8Array> {
  const blocks = [first.subarray(0, totalBytes)];
  let offset = first.length;
  while (offset < totalBytes) {
    if (offset > MAX_OFFSET) throw unreadable('file longer than any offset');
    const wanted = Math.min(blockBytes, totalBytes - offset);
    const block = await readBlock(exchange, offset >> 8, offset & 0xff, wanted);
    if (block.length === 0) throw unreadable('file shorter than its content says');
    blocks.push(block.subarray(0, totalBytes - offset));
    offset += block.length;
  }
  return concatBytes(...blocks);
}

async function readBlock(exchange: CardExchange, p1: number, p2: number, bytes: number): Promise<Uint8Array> {
  const response = await exchange.send({ cla: 0x00, ins: INS.readBinary, p1, p2, expectedBytes: bytes });
  // 6282: fewer bytes than asked for. 6B00: the offset is behind the end; the caller sees an empty block.
  if (response.sw === SW.ok || response.sw === SW.endOfFile) return response.data;
  if (response.sw === SW.offsetOutside) return new Uint8Array();
  throw statusToError(response.sw);
}

function unreadable(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'read-binary', reason } });
}
