/**
 * The one interface between card language and hardware.
 *
 * Drivers are dumb: no 61xx handling, no chaining, no secure messaging, no retry of a command.
 * `transmit` rejects with exactly two families of SekishoError: `card.*` (tap again) and
 * `reader.*` (the machine); a SAM driver uses `sam.*` in place of both.
 */

export interface TransmitOptions {
  /** Give up after this long; the channel is unusable afterwards. Default: the driver's `exchangeTimeoutMs`. */
  readonly timeoutMs?: number;
}

/** An open, exclusive line to one powered card or SAM. */
export interface CardChannel {
  /** For log lines: "simulated:card", "pcsc:PICC". Never card data. */
  readonly name: string;
  /** ATR, or the ATQB/ATS block: whatever identifies the family. Never used to choose an application. */
  readonly identity: Uint8Array;
  /** The longest command APDU that the reader can carry, in bytes. */
  readonly maxCommandBytes: number;
  /** The most data that one answer may carry, where less than usual: some readers get exactly 256 bytes wrong. */
  readonly maxReadBlockBytes?: number | undefined;
  /** Sends one command APDU, resolves with the response APDU including SW1 SW2 (at least 2 bytes). */
  transmit(command: Uint8Array, options?: TransmitOptions): Promise<Uint8Array>;
  /** Takes the power (or the field) off the card and frees the reader. Closing twice is fine. */
  close(): Promise<void>;
}

/** What a reader knows of itself, for the status page. Never card data. */
export interface ReaderReport {
  /** As the system names it: "ACS ACR1252 Dual Reader [ACR1252 Dual Reader PICC] 00 00". */
  readonly device?: string;
  /** How it was told from other devices and slots. */
  readonly chosenBy?: 'config' | 'name' | 'probe' | 'only';
  /** Bytes on the line that belonged to no message, since the start. */
  readonly discardedBytes?: number;
}

/** What light and sound of a reader say: the card may be taken away; it did not work. */
export type ReaderSignal = 'done' | 'failed';

/** A slot or antenna that cards come to. */
export interface CardReader {
  readonly name: string;
  /**
   * Resolves when a card is present and powered. Rejects with `signal.reason` when aborted,
   * `reader.*` when the machine fails, `card.collision` when there are two.
   */
  waitForCard(signal: AbortSignal): Promise<CardChannel>;
  /** Resolves when the card of `channel` has left the field or slot. */
  waitForRemoval(channel: CardChannel, signal: AbortSignal): Promise<void>;
  /**
   * Resolves when the machine itself answers; rejects `reader.*`. Only called while nobody waits and no channel is open,
   * so it may talk to the device, but not to a card. Absent: the machine is known by its waits alone.
   */
  probe?(signal: AbortSignal): Promise<void>;
  report?(): ReaderReport;
  /** Light and sound for the person at the reader, where it has them. Called while no channel is open. Never rejects. */
  signal?(signal: ReaderSignal): Promise<void>;
  close(): Promise<void>;
}
