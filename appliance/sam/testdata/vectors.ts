/** The vector files, typed just enough for the tests that replay them. */
import { readFileSync } from 'node:fs';

export interface Vector {
  readonly name: string;
  readonly command: string;
  readonly answer: string;
  /** The error of ours that the status becomes; absent when the command succeeds. */
  readonly error?: string;
  readonly [field: string]: unknown;
}

export interface VectorFile {
  readonly source: string;
  readonly vectors: readonly Vector[];
  readonly [field: string]: unknown;
}

export function readVectors<File = VectorFile>(name: string): File {
  return JSON.parse(readFileSync(new URL(`${name}.json`, import.meta.url), 'utf8'));
}

export function fromHex(hex: unknown): Uint8Array {
  return new Uint8Array(Buffer.from(String(hex), 'hex'));
}
