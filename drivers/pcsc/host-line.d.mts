/** `failure` is text. */
export type BodyKind = 'json' | 'bytes' | 'failure';

export interface HostFrame {
  readonly id: number;
  readonly kind: BodyKind;
  readonly body: Uint8Array;
}

export function encodeHostFrame(id: number, kind: BodyKind, body: Uint8Array): Buffer;

export class HostFrameReader {
  /** The frames that `chunk` completes, copied out of it; `chunk` is zeroed. */
  push(chunk: Buffer): HostFrame[];
}
