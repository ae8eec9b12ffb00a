/** What can go wrong between host, chip and card, and what that means outside this room. */
import { type ErrorCode, SekishoError } from '#contract/errors.ts';

export type FailureKind =
  /** Chip: no acknowledgement, no answer, an answer that says no, or the line itself has gone. */
  | 'no-ack'
  | 'no-response'
  | 'refused'
  | 'line-lost'
  /** Chip: works, but reports trouble of its own (over-current, temperature, context). */
  | 'chip-trouble'
  /** Chip: something answers that is not a PN532. */
  | 'not-a-pn532'
  /** Card: says nothing, says what nobody can read, or breaks ISO 14443-4. */
  | 'silent'
  | 'garbled'
  | 'broken-rules'
  | 'collision'
  /** The caller's time is up. */
  | 'deadline';

const CODES: Readonly<Record<FailureKind, ErrorCode>> = {
  'no-ack': 'reader.timeout',
  'no-response': 'reader.timeout',
  refused: 'reader.failed',
  'line-lost': 'reader.unreachable',
  'chip-trouble': 'reader.failed',
  'not-a-pn532': 'reader.failed',
  silent: 'card.mute',
  garbled: 'card.protocol',
  'broken-rules': 'card.protocol',
  collision: 'card.collision',
  deadline: 'card.mute',
};

const CARD_KINDS: readonly FailureKind[] = ['silent', 'garbled', 'broken-rules', 'collision', 'deadline'];

/** Never leaves this room. */
export class Pn532Failure extends Error {
  override readonly name = 'Pn532Failure';
  readonly kind: FailureKind;

  /** `detail` for the log: a command's name or a status code, never data. */
  constructor(kind: FailureKind, detail?: string, cause?: unknown) {
    super(detail === undefined ? kind : `${kind}: ${detail}`, { cause });
    this.kind = kind;
  }
}

/** True when the card is at fault, as far as the chip can tell. */
export function isCardFailure(thrown: unknown): boolean {
  return thrown instanceof Pn532Failure && CARD_KINDS.includes(thrown.kind);
}

/** For the outside: `card.*` or `reader.*`. */
export function toReaderError(thrown: unknown): SekishoError {
  if (thrown instanceof SekishoError) return thrown;
  if (!(thrown instanceof Pn532Failure)) return new SekishoError('reader.failed', { cause: thrown });
  return new SekishoError(CODES[thrown.kind], { cause: thrown, context: { pn532: thrown.message } });
}
