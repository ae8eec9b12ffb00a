/** The registers that a host can reach: those of the contactless interface unit mean something, others keep their value. */
import type { RadioType } from './crc.ts';

const REGISTER = {
  mode: 0x6301,
  txMode: 0x6302,
  rxMode: 0x6303,
  txAuto: 0x6305,
  version: 0x6327,
  bitFraming: 0x633d,
} as const;

const CRC_ENABLE = 0x80;
const FRAMING = 0x03;
const FRAMING_B = 0x03;
const LAST_BITS = 0x07;

/** Values after reset that hosts look at. @see PN532/C1 data sheet §8.6.23 */
const RESET_VALUES: readonly (readonly [number, number])[] = [
  [REGISTER.mode, 0x3f],
  [REGISTER.txMode, CRC_ENABLE],
  [REGISTER.rxMode, CRC_ENABLE],
  [REGISTER.version, 0x80],
  [0x6316, 0x48],
  [0x6317, 0x88],
  [0x6318, 0x20],
  [0x6319, 0x20],
];

export class Registers {
  #values = new Map(RESET_VALUES);

  reset(): void {
    this.#values = new Map(RESET_VALUES);
  }

  read(address: number): number {
    return this.#values.get(address) ?? 0;
  }

  write(address: number, value: number): void {
    if (address !== REGISTER.version) this.#values.set(address, value & 0xff);
  }

  /** As InListPassiveTarget leaves them. */
  setRadio(type: RadioType): void {
    const value = CRC_ENABLE | (type === 'B' ? FRAMING_B : 0);
    this.write(REGISTER.txMode, value);
    this.write(REGISTER.rxMode, value);
    this.write(REGISTER.bitFraming, 0);
  }

  /** Of the frames that are sent raw; undefined for a modulation that no card here understands. */
  get radio(): RadioType | undefined {
    const framing = this.read(REGISTER.txMode) & FRAMING;
    if (framing === FRAMING_B) return 'B';
    return framing === 0 ? 'A' : undefined;
  }

  get sendsCrc(): boolean {
    return (this.read(REGISTER.txMode) & CRC_ENABLE) !== 0;
  }

  get checksCrc(): boolean {
    return (this.read(REGISTER.rxMode) & CRC_ENABLE) !== 0;
  }

  /** Bits of the last byte that is sent. */
  get lastBits(): number {
    return this.read(REGISTER.bitFraming) & LAST_BITS || 8;
  }
}
