/**
 * COMPUTE DIGITAL SIGNATURE of the My Number and HPKI cards, `80 2A P1 P2`. P1 picks the algorithm.
 * @see docs/protocol-facts.md 1.4 (P1 00 to 05, measured), docs/organisation-profile.md (P1 06, our assumption)
 */

import { SekishoError } from '#contract/errors.ts';
import type { CardExchange } from '../exchange.ts';
import { INS } from '../instruction.ts';
import { requireOk, type StatusTable, SW } from '../status-word.ts';

interface AlgorithmRow {
  readonly p1: number;
  readonly inputBytes: { readonly min: number; readonly max: number };
  readonly signatureBytes: number;
}

const RSA_2048_BYTES = 256;
const SHA_256 = { min: 32, max: 32 };
const SHA_384 = { min: 48, max: 48 };
const MESSAGE = { min: 1, max: 255 };

export const SIGNATURE_ALGORITHMS = {
  /** The input goes into the PKCS#1 v1.5 block as it is: send a DigestInfo. */
  'rsa-pkcs1-block': { p1: 0x00, inputBytes: { min: 1, max: 245 }, signatureBytes: RSA_2048_BYTES },
  /** The card hashes and signs the bare hash without DigestInfo. */
  'rsa-pkcs1-bare-sha256-message': { p1: 0x01, inputBytes: MESSAGE, signatureBytes: RSA_2048_BYTES },
  'rsa-pkcs1-sha256-digest': { p1: 0x02, inputBytes: SHA_256, signatureBytes: RSA_2048_BYTES },
  'rsa-pkcs1-sha256-message': { p1: 0x03, inputBytes: MESSAGE, signatureBytes: RSA_2048_BYTES },
  'rsa-pss-sha256-digest': { p1: 0x04, inputBytes: SHA_256, signatureBytes: RSA_2048_BYTES },
  'rsa-pss-sha256-message': { p1: 0x05, inputBytes: MESSAGE, signatureBytes: RSA_2048_BYTES },
  /** Raw r ‖ s. */
  'ecdsa-p384-sha384-digest': { p1: 0x06, inputBytes: SHA_384, signatureBytes: 96 },
} as const satisfies Readonly<Record<string, AlgorithmRow>>;

export type SignatureAlgorithm = keyof typeof SIGNATURE_ALGORITHMS;

/** 6985: nothing was presented, or the signatures of this authentication are used up. */
const STATUSES: StatusTable = {
  [SW.conditionsOfUse]: 'card.security-status',
  [SW.parametersWrong]: 'card.unsupported-algorithm',
  [SW.notFound]: 'card.file-not-found',
};

/** `reference` is P2: 80 for the selected key file, `80 | short id` for a key by itself, 00 for the default key. */
export async function computeSignature(
  exchange: CardExchange,
  reference: number,
  algorithm: SignatureAlgorithm,
  input: Uint8Array,
): Promise<Uint8Array> {
  const row: AlgorithmRow = SIGNATURE_ALGORITHMS[algorithm];
  if (input.length < row.inputBytes.min || input.length > row.inputBytes.max) {
    throw new RangeError(`${algorithm} takes ${row.inputBytes.min} to ${row.inputBytes.max} bytes`);
  }
  const header = { cla: 0x80, ins: INS.computeSignature, p1: row.p1, p2: reference };
  const response = await exchange.send({ ...header, data: input, expectedBytes: 256 });
  requireOk(response, STATUSES);
  if (response.data.length !== row.signatureBytes) {
    throw new SekishoError('card.protocol', { context: { layer: 'signature', reason: 'length' } });
  }
  return response.data;
}
