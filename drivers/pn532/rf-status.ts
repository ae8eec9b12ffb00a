/** The chip's verdict on one exchange with a card. @see UM0701-02 §7.1 */

export type RfVerdict =
  | 'ok'
  | 'silent'
  | 'garbled'
  /** The chip, not the card. */
  | 'trouble';

const STATUS_BITS = 0x3f;
const SILENT = 0x01;
/** No RF field in time, overheated, bad parameter, not now, over-current. */
const TROUBLE: readonly number[] = [0x0a, 0x0d, 0x10, 0x27, 0x2d];

/** CRC, parity, framing, overflow and whatever else a bad exchange can be called are all `garbled`. */
export function judgeStatus(status: number): RfVerdict {
  const code = status & STATUS_BITS;
  if (code === 0) return 'ok';
  if (code === SILENT) return 'silent';
  return TROUBLE.includes(code) ? 'trouble' : 'garbled';
}
