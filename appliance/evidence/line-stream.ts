/** Bytes to lines, in batches: one batch per chunk keeps the cost of `await` away from the single line. */

export type ByteSource = AsyncIterable<Uint8Array> | Iterable<Uint8Array>;

/** An entry holds a token and a sealed certificate at most; anything near this is not an export. */
const LONGEST_LINE_BYTES = 1 << 20;

/** A file that ends without a line feed, or with a line that is too long, yields that rest as its last line. */
export async function* lineBatches(source: ByteSource): AsyncGenerator<readonly Buffer[]> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    const joined = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    const lines: Buffer[] = [];
    let from = 0;
    for (let feed = joined.indexOf(0x0a); feed >= 0; feed = joined.indexOf(0x0a, from)) {
      lines.push(joined.subarray(from, feed));
      from = feed + 1;
    }
    rest = joined.subarray(from);
    if (lines.length > 0) yield lines;
    if (rest.length > LONGEST_LINE_BYTES) break;
  }
  if (rest.length > 0) yield [rest];
}
