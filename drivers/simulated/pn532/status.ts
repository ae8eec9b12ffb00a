/** First byte of most responses. @see UM0701-02 §7.1 */
export const STATUS = {
  ok: 0x00,
  timeout: 0x01,
  crc: 0x02,
  collision: 0x06,
  bufferOverflow: 0x09,
  protocol: 0x0b,
  parameter: 0x10,
  notAllowed: 0x26,
  context: 0x27,
  released: 0x29,
  /** Not an error: the answer goes on. */
  moreInformation: 0x40,
} as const;
