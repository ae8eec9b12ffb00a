/**
 * What PC/SC can say went wrong, and what that means to us.
 *
 * The binding reports texts, not numbers; this is its list (src/pcsc_errors.h of `smartcard` 3.7.0).
 *
 * @see https://pcsclite.apdu.fr/api/group__ErrorCodes.html
 */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

/**
 * - an error code: final;
 * - 'service': pcscd went away or restarted; a new context may help;
 * - 'exchange': the card did not answer properly; whether it is still there decides.
 */
export type FailureMeaning =
  | Extract<ErrorCode, `card.${string}` | `reader.${string}`>
  | 'service'
  | 'exchange';

interface FailureRow {
  readonly scard: string;
  readonly meaning: FailureMeaning;
}

const row = (scard: string, meaning: FailureMeaning): FailureRow => ({ scard, meaning });

export const FAILURES: Readonly<Record<string, FailureRow>> = {
  'Card was removed': row('SCARD_W_REMOVED_CARD', 'card.removed'),
  'No smart card present': row('SCARD_E_NO_SMARTCARD', 'card.removed'),
  // Held exclusively, so no other program can have reset it: it lost the field and came back (or the host slept),
  // and whatever it had authenticated is gone.
  'Card was reset': row('SCARD_W_RESET_CARD', 'card.removed'),

  'Card is unresponsive': row('SCARD_W_UNRESPONSIVE_CARD', 'card.mute'),
  'Card is unpowered': row('SCARD_W_UNPOWERED_CARD', 'card.mute'),
  'Card is not supported': row('SCARD_W_UNSUPPORTED_CARD', 'card.protocol'),
  'Protocol mismatch': row('SCARD_E_PROTO_MISMATCH', 'card.protocol'),
  'Invalid ATR': row('SCARD_E_INVALID_ATR', 'card.protocol'),
  'Unknown card type': row('SCARD_E_UNKNOWN_CARD', 'card.protocol'),

  // pcscd turns every transmission error of a reader driver into NOT_TRANSACTED (ifdwrapper.c, IFDTransmit), also a
  // card pulled in the middle, which it notices as a removal only at its next poll, up to 400 ms later.
  'Transaction failed': row('SCARD_E_NOT_TRANSACTED', 'exchange'),

  // In libpcsclite this is the socket to pcscd breaking in the middle of a call (winscard_msg.c).
  'Communication error': row('SCARD_F_COMM_ERROR', 'service'),
  'PC/SC service not running': row('SCARD_E_NO_SERVICE', 'service'),
  'PC/SC service stopped': row('SCARD_E_SERVICE_STOPPED', 'service'),
  'Invalid handle': row('SCARD_E_INVALID_HANDLE', 'service'),
  'Context is not valid': row('(no context)', 'service'),
  'Card is not connected': row('(no card handle)', 'service'),
  'Operation cancelled': row('SCARD_E_CANCELLED', 'service'),
  'System cancelled operation': row('SCARD_E_SYSTEM_CANCELLED', 'service'),

  'Reader unavailable': row('SCARD_E_READER_UNAVAILABLE', 'reader.unreachable'),
  'Unknown reader': row('SCARD_E_UNKNOWN_READER', 'reader.unreachable'),
  'No readers available': row('SCARD_E_NO_READERS_AVAILABLE', 'reader.unreachable'),
  'Reader not ready': row('SCARD_E_NOT_READY', 'reader.unreachable'),
  'Sharing violation': row('SCARD_E_SHARING_VIOLATION', 'reader.held-elsewhere'),
  'Operation timed out': row('SCARD_E_TIMEOUT', 'reader.timeout'),

  'Insufficient buffer': row('SCARD_E_INSUFFICIENT_BUFFER', 'reader.failed'),
  'Invalid parameter': row('SCARD_E_INVALID_PARAMETER', 'reader.failed'),
  'Invalid value': row('SCARD_E_INVALID_VALUE', 'reader.failed'),
  'Invalid target': row('SCARD_E_INVALID_TARGET', 'reader.failed'),
  'PCI struct too small': row('SCARD_E_PCI_TOO_SMALL', 'reader.failed'),
  'Cannot dispose handle': row('SCARD_E_CANT_DISPOSE', 'reader.failed'),
  'Not enough memory': row('SCARD_E_NO_MEMORY', 'reader.failed'),
  'Internal error': row('SCARD_F_INTERNAL_ERROR', 'reader.failed'),
};

const UNKNOWN_FAILURE = row('(unknown)', 'reader.failed');

/** A PC/SC call that failed; never leaves this room. */
export class PcscFailure extends Error {
  override readonly name = 'PcscFailure';
  readonly scard: string;
  readonly meaning: FailureMeaning;

  constructor(text: string) {
    super(text);
    const known = FAILURES[text] ?? UNKNOWN_FAILURE;
    this.scard = known.scard;
    this.meaning = known.meaning;
  }
}

/** True when `thrown` is a PC/SC failure with one of these meanings. */
export function hasMeaning(thrown: unknown, ...meanings: FailureMeaning[]): thrown is PcscFailure {
  return thrown instanceof PcscFailure && meanings.includes(thrown.meaning);
}

/** For the outside. 'exchange' must have been decided before; here it is the card's fault. */
export function toReaderError(thrown: unknown): SekishoError {
  if (thrown instanceof SekishoError) return thrown;
  if (!(thrown instanceof PcscFailure)) return new SekishoError('reader.failed', { cause: thrown });
  return new SekishoError(codeOf(thrown.meaning), { cause: thrown, context: { pcsc: thrown.scard } });
}

function codeOf(meaning: FailureMeaning): ErrorCode {
  if (meaning === 'service') return 'reader.unreachable';
  return meaning === 'exchange' ? 'card.protocol' : meaning;
}
