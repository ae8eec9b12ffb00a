/** The photo of the card face, decoded while the person still looks at the screen. */
import { decodePhoto, loadPhotoDecoder } from '#card/face/photo.ts';
import { readCardFaceImages } from '#drivers/simulated/people.ts';
import { exchangeMs, REAL_TIMING } from '#drivers/simulated/timing.ts';
import { type BenchResult, compare, median, timeOf } from './result.ts';

const ROUNDS = 100;
const BLOCK_BYTES = 256;
const READ_BINARY_BYTES = 5;
const STATUS_BYTES = 2;

export async function run(): Promise<BenchResult[]> {
  const { photoJp2 } = readCardFaceImages('mihon-hanako');
  await loadPhotoDecoder();
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) times.push(await timeOf(() => decodePhoto(photoJp2)));
  return [
    compare({
      name: 'photo-decode',
      value: median(times),
      unit: 'ms',
      baseline: readingMs(photoJp2.length),
      baselineIs: 'reading it from the card, by the timing profile',
    }),
  ];
}

/** READ BINARY by READ BINARY at the speed of a real card. */
function readingMs(photoBytes: number): number {
  const blocks = Math.ceil(photoBytes / BLOCK_BYTES);
  return blocks * exchangeMs(REAL_TIMING.card, READ_BINARY_BYTES, BLOCK_BYTES + STATUS_BYTES, ['command']);
}
