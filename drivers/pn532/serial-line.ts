/**
 * The seam between the chip and whatever carries its bytes: one function. A UART opens through `serial-port.ts`;
 * tests open a script. (I2C and SPI would need a function of this type, and status polling behind it.)
 */

export interface LineEars {
  readonly onBytes: (bytes: Uint8Array) => void;
  /** The line broke and stays broken: unplugged or hung up. Told at once, or with the next bytes that are sent. */
  readonly onLost: (cause: unknown) => void;
}

export interface SerialLine {
  /** Sends in order, in one piece. Trouble is reported to `onLost`. */
  send(bytes: Uint8Array): void;
  /** Switches when everything that was sent is on the wire. */
  setBaudRate(baudRate: number): Promise<void>;
  /** Gives the device back, within a deadline of its own. */
  close(): Promise<void>;
}

/** Rejects with a `reader.*` SekishoError whose text says what to do. */
export type OpenLine = (baudRate: number, ears: LineEars) => Promise<SerialLine>;
