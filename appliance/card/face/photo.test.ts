import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { isSekishoError } from '#contract/errors.ts';
import { parseJp2Header } from './jp2-header.ts';
import { decodePhoto, loadPhotoDecoder } from './photo.ts';

const fixture = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(new URL(`../testdata/${name}`, import.meta.url)));
const { photos } = JSON.parse(Buffer.from(fixture('photos.json')).toString('utf8')) as {
  photos: { file: string; width: number; height: number; pixelsSha256: string }[];
};

/** One byte per pixel of a grey PNG. */
function greyPixels(png: Uint8Array): Buffer {
  const { data } = PNG.sync.read(Buffer.from(png));
  return Buffer.from(data.filter((_, index) => index % 4 === 0));
}

beforeAll(loadPhotoDecoder);

describe('the photo', () => {
  it.each(photos)('$file has the pixels that opj_decompress gives', async ({ file, ...expected }) => {
    const png = await decodePhoto(fixture(file));
    const { width, height } = PNG.sync.read(Buffer.from(png));
    const pixelsSha256 = createHash('sha256').update(greyPixels(png)).digest('hex');
    expect({ width, height, pixelsSha256 }).toEqual(expected);
  });

  it('keeps every pixel of a lossless one', async () => {
    const pixels = greyPixels(await decodePhoto(fixture('photo-pattern-lossless.jp2')));
    const drawn = Array.from({ length: 48 * 64 }, (_, index) => {
      const x = index % 48;
      const y = Math.floor(index / 48);
      return ((5 * x) ^ (3 * y)) & 0xff;
    });
    expect([...pixels]).toEqual(drawn);
  });

  it('is an 8-bit grey PNG', async () => {
    const png = await decodePhoto(fixture('photo-grey.jp2'));
    // IHDR: bit depth 8, colour type 0. @see PNG §11.2.2
    expect([png[24], png[25]]).toEqual([8, 0]);
  });

  it('refuses colour', async () => {
    await expect(decodePhoto(fixture('photo-colour.jp2'))).rejects.toMatchObject({ code: 'card.protocol' });
  });

  it('refuses an image that claims to be huge before any decoder sees it', async () => {
    for (const field of [8, 12]) {
      const huge = fixture('photo-grey.jp2');
      const siz = Buffer.from(huge).indexOf('ff4fff51', 'hex');
      huge.set([0x7f, 0xff], siz + field);
      await expect(decodePhoto(huge)).rejects.toMatchObject({ context: { reason: 'dimensions' } });
    }
    const tiny = fixture('photo-grey.jp2');
    tiny.set([0, 0, 0, 1, 0, 0, 0, 1], Buffer.from(tiny).indexOf('ff4fff51', 'hex') + 24);
    await expect(decodePhoto(tiny)).rejects.toMatchObject({ context: { reason: 'tiles' } });
    await expect(decodePhoto(new Uint8Array(70_000))).rejects.toMatchObject({
      context: { reason: 'too many bytes' },
    });
  });

  it('refuses garbage and truncation with card.protocol, and works again afterwards', async () => {
    const whole = fixture('photo-grey.jp2');
    for (const length of [0, 11, 40, 85, 100, 130, 200, 400]) {
      await expect(decodePhoto(whole.subarray(0, length))).rejects.toMatchObject({ code: 'card.protocol' });
    }
    expect(await decodePhoto(whole)).toHaveLength((await decodePhoto(whole)).length);
  });

  it('survives damage anywhere', async () => {
    const whole = fixture('photo-pattern-lossless.jp2');
    const damage = fc.array(fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 })), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const damaged = whole.slice();
        for (const [at, byte] of changes) damaged.set([byte], at);
        try {
          await decodePhoto(damaged);
        } catch (thrown) {
          if (!isSekishoError(thrown, 'card.protocol')) throw thrown;
        }
      }),
      { numRuns: 100 },
    );
  });

  it('knows its size from the codestream', () => {
    expect(parseJp2Header(fixture('photo-grey.jp2'))).toEqual({
      width: 240,
      height: 320,
      tiles: 1,
      components: 1,
      bitsPerSample: 8,
    });
  });
});
