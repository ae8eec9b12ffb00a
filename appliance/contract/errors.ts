/**
 * The one table of everything that can go wrong.
 *
 * It drives HTTPS problem documents, the texts on every screen and the manual page `docs/errors.md`; `wire` is kept
 * for edges too narrow for text (BLE). Texts carry no data: what happened belongs to the log, what to do belongs here.
 */
import { ERROR_TABLE_ACCESS } from './errors/access.ts';
import { ERROR_TABLE_CENTRE } from './errors/centre.ts';
import { ERROR_TABLE_DEVICE } from './errors/device.ts';
import { ERROR_TABLE_PANEL } from './errors/panel.ts';
import { ERROR_TABLE_PATIENT } from './errors/patient.ts';
import { ERROR_TABLE_PERMIT } from './errors/permit.ts';
import { ERROR_TABLE_PLATFORM } from './errors/platform.ts';
import { ERROR_TABLE_SAM } from './errors/sam.ts';

export type { ErrorRow, NextStep, WhoActs } from './errors/row.ts';

export const ERRORS = {
  ...ERROR_TABLE_PLATFORM,
  ...ERROR_TABLE_DEVICE,
  ...ERROR_TABLE_SAM,
  ...ERROR_TABLE_ACCESS,
  ...ERROR_TABLE_PERMIT,
  ...ERROR_TABLE_PANEL,
  ...ERROR_TABLE_PATIENT,
  ...ERROR_TABLE_CENTRE,
} as const;

export type ErrorCode = keyof typeof ERRORS;

export const ERROR_CODES = Object.keys(ERRORS) as readonly ErrorCode[];

/** What the log may know and the outside may not. Never card bytes, names, numbers or PINs. */
export type ErrorContext = Readonly<Record<string, string | number | boolean | undefined>>;

/** The only error class that crosses a room. */
export class SekishoError extends Error {
  override readonly name = 'SekishoError';
  readonly code: ErrorCode;
  /** For the log only; the redaction filter still applies. */
  readonly context: ErrorContext;
  /** Names the input field at fault (JSON pointer or config path), when there is one. */
  readonly field: string | undefined;

  constructor(code: ErrorCode, options: { context?: ErrorContext; cause?: unknown; field?: string } = {}) {
    super(`${ERRORS[code].en.title} [${code}]`, { cause: options.cause });
    this.code = code;
    this.context = options.context ?? {};
    this.field = options.field;
  }
}

/** True when `thrown` is ours and carries one of `codes` (any code when none are named). */
export function isSekishoError(thrown: unknown, ...codes: ErrorCode[]): thrown is SekishoError {
  return thrown instanceof SekishoError && (codes.length === 0 || codes.includes(thrown.code));
}

/** Turns whatever was thrown into a SekishoError; the unknown becomes `internal.bug`. */
export function toSekishoError(thrown: unknown): SekishoError {
  return thrown instanceof SekishoError ? thrown : new SekishoError('internal.bug', { cause: thrown });
}
