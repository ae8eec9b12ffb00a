/** What a command of the host is to the code that carries it out. */
import type { CompletedApdu } from './block-protocol.ts';
import type { ChipState } from './chip-state.ts';

export interface ChipCommand {
  readonly data: Uint8Array;
  /** When the chip starts on it, by the monotonic clock. */
  readonly atMs: number;
  /** The host gave the command up. */
  readonly signal: AbortSignal;
}

export interface ChipResponse {
  readonly data: Uint8Array;
  /** When the chip is done. */
  readonly endMs: number;
  /** A card's answer is complete with this. */
  readonly completed?: CompletedApdu | undefined;
  /** Cards were activated. */
  readonly found?: boolean;
  /** Once the host has acknowledged the response. */
  readonly thenBaud?: number;
  /** Once the response has left. */
  readonly thenSleeps?: boolean;
}

/** The chip does not know this command, or not with these parameters: it answers a syntax error frame. */
export type CommandOutcome = ChipResponse | 'syntax-error';
export type CommandHandler = (
  chip: ChipState,
  command: ChipCommand,
) => CommandOutcome | Promise<CommandOutcome>;

export function respond({ atMs }: ChipCommand, ...bytes: readonly number[]): ChipResponse {
  return { data: Uint8Array.from(bytes), endMs: atMs };
}
