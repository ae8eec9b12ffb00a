/**
 * The size of a JPEG 2000 image, read before any decoder allocates for it.
 * @see ISO/IEC 15444-1 Annex I.4 (boxes) and A.5.1 (SIZ)
 */
import { SekishoError } from '#contract/errors.ts';

export interface Jp2Header {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  readonly bitsPerSample: number;
  readonly tiles: number;
}

const SIGNATURE_BOX = Buffer.from('0000000C6A5020200D0A870A', 'hex');
const BOX_CODESTREAM = 0x6a703263;
const BOX_HEADER_BYTES = 8;
const MARKER_SOC_SIZ = 0xff4fff51;
/** SOC, SIZ and the fixed part of SIZ up to the first component. */
const SIZ_BYTES = 42 + 3;

/** Walks the boxes to the codestream and reads its SIZ segment, which is what a decoder believes. */
export function parseJp2Header(jp2: Uint8Array): Jp2Header {
  const bytes = Buffer.from(jp2.buffer, jp2.byteOffset, jp2.length);
  if (!bytes.subarray(0, SIGNATURE_BOX.length).equals(SIGNATURE_BOX)) throw malformed('signature box');
  const siz = findCodestream(bytes);
  if (siz.length < SIZ_BYTES || siz.readUInt32BE(0) !== MARKER_SOC_SIZ) throw malformed('SIZ');
  const depth = siz.readUInt8(42);
  if (depth & 0x80) throw malformed('signed samples');
  const width = siz.readUInt32BE(8) - siz.readUInt32BE(16);
  const height = siz.readUInt32BE(12) - siz.readUInt32BE(20);
  return {
    width,
    height,
    tiles: Math.ceil(width / siz.readUInt32BE(24)) * Math.ceil(height / siz.readUInt32BE(28)),
    components: siz.readUInt16BE(40),
    bitsPerSample: depth + 1,
  };
}

function findCodestream(bytes: Buffer): Buffer {
  let at = 0;
  while (at + BOX_HEADER_BYTES <= bytes.length) {
    const lengthBytes = bytes.readUInt32BE(at);
    if (bytes.readUInt32BE(at + 4) === BOX_CODESTREAM) return bytes.subarray(at + BOX_HEADER_BYTES);
    // 0 means "to the end" and 1 an eight-byte length; no card photo needs either before its codestream.
    if (lengthBytes < BOX_HEADER_BYTES) throw malformed('box length');
    at += lengthBytes;
  }
  throw malformed('no codestream');
}

function malformed(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'jp2', reason } });
}
