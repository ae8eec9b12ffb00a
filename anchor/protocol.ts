/** The two datagrams of the lease, byte for byte as `docs/lease-protocol.md` has them. */

export const QUESTION_BYTES = 192;
export const ANSWER_BYTES = 176;
/** What the signature covers; it fills the rest. */
export const SIGNED_BYTES = 112;

const QUESTION_MAGIC = Buffer.from('SEKISHO-LEASE-Q1', 'ascii');
const ANSWER_MAGIC = Buffer.from('SEKISHO-LEASE-A1', 'ascii');
/** Where the zeros of a question begin. */
const QUESTION_END = 72;

export interface Question {
  /** 8 bytes, the SAM id. */
  readonly deviceId: Buffer;
  readonly networkId: Buffer;
  readonly nonce: Buffer;
}

/** What the byte `verdict` says. */
const VERDICT = { granted: 0, 'not-registered': 1, revoked: 2 } as const;
export type Verdict = keyof typeof VERDICT;

export interface Answer extends Question {
  readonly bootId: Buffer;
  readonly sequence: bigint;
  readonly verdict: Verdict;
}

/** Undefined for anything that is not exactly a question, non-zero padding included. */
export function parseQuestion(datagram: Buffer): Question | undefined {
  if (datagram.length !== QUESTION_BYTES) return undefined;
  if (!datagram.subarray(0, 16).equals(QUESTION_MAGIC)) return undefined;
  if (datagram.subarray(QUESTION_END).some((byte) => byte !== 0)) return undefined;
  return {
    deviceId: datagram.subarray(16, 24),
    networkId: datagram.subarray(24, 40),
    nonce: datagram.subarray(40, QUESTION_END),
  };
}

/** The complete answer; `sign` gets its first 112 bytes and gives an Ed25519 signature of 64. */
export function writeAnswer(answer: Answer, sign: (bytes: Buffer) => Buffer): Buffer {
  const datagram = Buffer.alloc(ANSWER_BYTES);
  ANSWER_MAGIC.copy(datagram, 0);
  answer.deviceId.copy(datagram, 16);
  answer.networkId.copy(datagram, 24);
  answer.nonce.copy(datagram, 40);
  answer.bootId.copy(datagram, 72);
  datagram.writeBigUInt64BE(answer.sequence, 88);
  datagram.writeUInt8(VERDICT[answer.verdict], 96);
  sign(datagram.subarray(0, SIGNED_BYTES)).copy(datagram, SIGNED_BYTES);
  return datagram;
}
