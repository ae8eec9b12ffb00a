import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ClaimedEntry } from './chain.ts';
import { CHAIN_START, encodeEntry, hashEntry } from './entry.ts';
import type { EvidenceRecord } from './record.ts';
import vectors from './testdata/chain.json' with { type: 'json' };
import { verifyChain } from './testdata/chain-verdict.ts';

function makeChain(length: number): ClaimedEntry[] {
  let prev = CHAIN_START;
  return Array.from({ length }, (_, at) => {
    const canonical = encodeEntry(at + 1, prev, {
      kind: 'started',
      at: '2026-11-21T00:00:00.000Z',
      version: `日本 ${at}`,
    });
    prev = hashEntry(canonical);
    return { hash: prev, canonical: Buffer.from(canonical) };
  });
}

const LENGTH = 24;
const position = fc.nat(LENGTH - 1);

describe('an entry', () => {
  test('is the bytes, and has the hash, that sha256sum gives', () => {
    let prev = CHAIN_START;
    for (const [at, { record, canonical, hash }] of vectors.entries.entries()) {
      expect(encodeEntry(at + 1, prev, record as EvidenceRecord)).toBe(canonical);
      expect(hashEntry(canonical)).toBe(hash);
      prev = hash;
    }
  });
});

describe('the chain', () => {
  test('holds', () => {
    const chain = makeChain(LENGTH);
    expect(verifyChain(chain)).toEqual({ ok: true, head: { seq: LENGTH, hash: chain.at(-1)?.hash } });
    expect(verifyChain([])).toEqual({ ok: true, head: undefined });
  });

  test('10,000 flipped bits: every one found, at its position', () => {
    const chain = makeChain(LENGTH);
    fc.assert(
      fc.property(position, fc.nat(), fc.nat(7), (at, offset, bit) => {
        const bytes = Buffer.from(chain[at]!.canonical);
        const where = offset % bytes.length;
        bytes[where] = bytes[where]! ^ (1 << bit);
        const broken = chain.with(at, { hash: chain[at]!.hash, canonical: bytes });
        expect(verifyChain(broken)).toEqual({ ok: false, position: at + 1, reason: 'entry-altered' });
      }),
      { numRuns: 10_000 },
    );
  });

  test('an altered entry with its own hash made right again breaks the link behind it', () => {
    const chain = makeChain(LENGTH);
    const text = chain[9]!.canonical.toString().replace('日本', '韓国');
    const forged = chain.with(9, { hash: hashEntry(text), canonical: Buffer.from(text) });
    expect(verifyChain(forged)).toEqual({ ok: false, position: 11, reason: 'link-broken' });
  });

  test('deletions, swaps and duplicates: every one found, at its position', () => {
    const chain = makeChain(LENGTH);
    fc.assert(
      fc.property(position, position, fc.constantFrom('delete', 'swap', 'repeat'), (a, b, how) => {
        const [low, high] = [Math.min(a, b), Math.max(a, b)];
        fc.pre(low !== high);
        const broken =
          how === 'delete'
            ? chain.toSpliced(low, high - low)
            : how === 'swap'
              ? chain.with(low, chain[high]!).with(high, chain[low]!)
              : chain.toSpliced(high, 0, chain[low]!);
        const first = how === 'repeat' ? high + 1 : low + 1;
        expect(verifyChain(broken)).toEqual({ ok: false, position: first, reason: 'sequence-broken' });
      }),
      { numRuns: 2_000 },
    );
  });

  test('a chain that does not start at 1, or bytes that are no entry, are refused', () => {
    const chain = makeChain(3);
    expect(verifyChain(chain.slice(1))).toMatchObject({ position: 1, reason: 'sequence-broken' });
    const noEntry = Buffer.from('{"seq":1}');
    expect(verifyChain([{ hash: hashEntry(noEntry), canonical: noEntry }])).toMatchObject({
      position: 1,
      reason: 'entry-malformed',
    });
    const other = makeChain(1)[0]!.canonical.toString().replace('000', '001');
    expect(verifyChain([{ hash: hashEntry(other), canonical: Buffer.from(other) }])).toMatchObject({
      position: 1,
      reason: 'link-broken',
    });
  });
});
