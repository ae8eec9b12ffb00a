/** The photo on the card as something that a browser shows: grey JPEG 2000 in, grey PNG out. The only file that names the two codecs. */
import type { OpenJpeg } from '@cornerstonejs/codec-openjpeg/decodewasmjs';
import { PNG } from 'pngjs';
import { SekishoError } from '#contract/errors.ts';
import { type Jp2Header, parseJp2Header } from './jp2-header.ts';

/** Real photos are a few hundred pixels a side and some kilobytes. */
const MAX_SIDE_PIXELS = 1024;
const MAX_PHOTO_BYTES = 65_536;
/** A decoder allocates per tile; one is usual. */
const MAX_TILES = 64;
const GREY = 0;

/** "Up" filter and the fastest deflate: 1 ms and 9 kB for a photo, where the defaults take 6 ms for 6 kB. */
const PNG_FORM = {
  colorType: GREY,
  inputColorType: GREY,
  inputHasAlpha: false,
  bitDepth: 8,
  filterType: 2,
  deflateLevel: 1,
  deflateStrategy: 0,
} as const;

const ignoreLine = (): void => {};
let decoder: Promise<OpenJpeg> | undefined;

/** Reads and compiles the decoder (150 ms) ahead of the first photo; no start waits for it. */
export async function loadPhotoDecoder(): Promise<void> {
  await openDecoder();
}

/** Rejects with `card.protocol` for anything but a small 8-bit greyscale JP2. */
export async function decodePhoto(jp2: Uint8Array): Promise<Uint8Array> {
  if (jp2.length > MAX_PHOTO_BYTES) throw undecodable('too many bytes');
  const header = parseJp2Header(jp2);
  requirePhoto(header);
  const png = new PNG({ width: header.width, height: header.height });
  png.data = Buffer.from(await decodePixels(jp2, header));
  return new Uint8Array(PNG.sync.write(png, PNG_FORM));
}

function requirePhoto({ width, height, tiles, components, bitsPerSample }: Jp2Header): void {
  const sideFits = (side: number): boolean => side >= 1 && side <= MAX_SIDE_PIXELS;
  if (!sideFits(width) || !sideFits(height)) throw undecodable('dimensions');
  if (!(tiles >= 1 && tiles <= MAX_TILES)) throw undecodable('tiles');
  if (components !== 1 || bitsPerSample !== 8) throw undecodable('not 8-bit grey');
}

function openDecoder(): Promise<OpenJpeg> {
  decoder ??= compileDecoder();
  return decoder;
}

async function compileDecoder(): Promise<OpenJpeg> {
  const { default: openJpeg } = await import('@cornerstonejs/codec-openjpeg/decodewasmjs');
  return openJpeg({ print: ignoreLine, printErr: ignoreLine });
}

async function decodePixels(jp2: Uint8Array, { width, height }: Jp2Header): Promise<Uint8Array> {
  const pixels = decodeWith(await openDecoder(), jp2);
  if (pixels.length !== width * height) throw undecodable('no image');
  return pixels;
}

/** Answers no pixels for most damage; throws a C++ exception (a number) for some. */
function decodeWith({ J2KDecoder }: OpenJpeg, jp2: Uint8Array): Uint8Array {
  try {
    const image = new J2KDecoder();
    image.getEncodedBuffer(jp2.length).set(jp2);
    image.decode();
    const pixels = image.getDecodedBuffer().slice();
    image.delete();
    return pixels;
  } catch {
    // What an exception leaves behind in the module's memory is unknown: start afresh next time.
    decoder = undefined;
    throw undecodable('decoder failed');
  }
}

function undecodable(reason: string): SekishoError {
  return new SekishoError('card.protocol', { context: { layer: 'photo', reason } });
}
