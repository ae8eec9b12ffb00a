/** Bytes as they travel in commands: lower-case hexadecimal. */

export function toHex(value: Uint8Array): string {
  return Buffer.from(value).toString('hex');
}

export function fromHex(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'hex'));
}
