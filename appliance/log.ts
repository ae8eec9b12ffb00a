/**
 * The structured log. Whatever enters passes one filter that drops what might be personal or secret:
 * by the name of a field, and by the look of a value. In doubt a field is dropped, not masked, because a
 * mask still tells that and how long. Events are English words chosen in code, so text in other scripts is a leak.
 */
import pino from 'pino';
import { SekishoError } from '#contract/errors.ts';
import type { LogFields, Logger } from '#ports/logger.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface LogOptions {
  readonly level: LogLevel;
  /** Where lines go; standard output when absent. */
  readonly write?: (line: string) => void;
}

export function createLogger(options: LogOptions): Logger {
  const settings = {
    level: options.level,
    base: null,
    messageKey: 'event',
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const { write } = options;
  // Synchronous, so that the last line before a crash is there.
  const destination = write === undefined ? pino.destination({ fd: 1, sync: true }) : { write };
  return wrap(pino(settings, destination));
}

function wrap(sink: pino.Logger): Logger {
  const at = (level: LogLevel) => (event: string, fields?: LogFields) => {
    if (sink.isLevelEnabled(level)) sink[level](redactFields(fields ?? {}), redactEvent(event));
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => wrap(sink.child(redactFields(fields))),
  };
}

/** Field names that are dropped when one of their words is here: `patientNumber` is "patient" + "number". */
const SECRET_WORDS = new Set(
  (
    'pin pins puk name names kana address birth birthdate birthday sex post insured insurer symbol branch patient ' +
    'serial certificate certificates cert photo face image cookie token secret secrets password passphrase key keys ' +
    'private body payload apdu bytes data signature challenge cryptogram authorization header headers query number numbers'
  ).split(' '),
);

/** Names that look secret by a word and are not. */
const HARMLESS_NAMES = new Set([
  'readerName',
  'remoteAddress',
  'faceCheck',
  'bytesIn',
  'bytesOut',
  'bodyBytes',
]);

/** Identifiers of ours that look like secrets by value; each with its exact form. */
const OWN_IDENTIFIERS: ReadonlyMap<string, RegExp> = new Map([
  ['tapId', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['visitId', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/],
  ['requestId', /^[0-9a-f]{16}$/],
  ['operatorId', /^[0-9a-f]{16}$/],
  ['samId', /^[0-9a-f]{16}$/],
  ['hash', /^[0-9a-f]{64}$/],
]);

/** Seven digits in a row are already a patient number; separators do not hide a long one. */
const DIGITS = /\d{7}|(?:\d[ -]?){12}/;
/** An ISO 8601 instant is the one long digit group that is welcome. */
const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
const BLOB = /[A-Za-z0-9+/_-]{40}|-----BEGIN|\b(?:[0-9a-f]{2}[ :]?){12}/i;
const BEYOND_ASCII = /[^\t\n\x20-\x7e]/;
const LONGEST_STRING = 500;
const DEEPEST = 5;

const DROPPED = Symbol('dropped');

/** The filter by itself; exported for its test. */
export function redactFields(fields: LogFields): Record<string, unknown> {
  return redactRecord(fields, 0);
}

function redactRecord(record: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  let droppedCount = 0;
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const redacted = isSecretName(name) ? DROPPED : redactValue(name, value, depth);
    if (redacted === DROPPED) droppedCount += 1;
    else kept[name] = redacted;
  }
  return droppedCount === 0 ? kept : { ...kept, dropped: droppedCount };
}

function isSecretName(name: string): boolean {
  if (HARMLESS_NAMES.has(name)) return false;
  if (DIGITS.test(name) || BLOB.test(name) || BEYOND_ASCII.test(name)) return true;
  return name
    .split(/(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+/)
    .some((word) => SECRET_WORDS.has(word.toLowerCase()));
}

function redactValue(name: string, value: unknown, depth: number): unknown {
  if (depth > DEEPEST) return DROPPED;
  switch (typeof value) {
    case 'boolean':
      return value;
    case 'number':
      return !name.endsWith('Ms') && Math.abs(value) >= 1e7 ? DROPPED : value;
    case 'string':
      return isOwnIdentifier(name, value) || isHarmlessText(value) ? value : DROPPED;
    case 'object':
      return redactObject(name, value, depth);
    default:
      return DROPPED;
  }
}

function redactObject(name: string, value: object | null, depth: number): unknown {
  if (value === null) return null;
  if (value instanceof Error) return describeError(value, depth);
  if (Array.isArray(value)) {
    return value.map((item) => redactValue(name, item, depth + 1)).filter((item) => item !== DROPPED);
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return DROPPED;
  return redactRecord(value as Record<string, unknown>, depth + 1);
}

function isOwnIdentifier(name: string, value: string): boolean {
  return OWN_IDENTIFIERS.get(name)?.test(value) ?? false;
}

function isHarmlessText(value: string): boolean {
  if (INSTANT.test(value)) return true;
  return (
    value.length <= LONGEST_STRING && !DIGITS.test(value) && !BLOB.test(value) && !BEYOND_ASCII.test(value)
  );
}

function redactEvent(event: string): string {
  return isHarmlessText(event) ? event : 'log.event-dropped';
}

/**
 * Our own errors carry a fixed text. Foreign messages may quote their input (`JSON.parse` does), so of those
 * only the class, a code such as ECONNREFUSED, and the frames of the stack are kept.
 */
function describeError(error: Error, depth: number): Record<string, unknown> | typeof DROPPED {
  if (depth > DEEPEST) return DROPPED;
  const ours = error instanceof SekishoError;
  const code: unknown = 'code' in error ? error.code : undefined;
  return {
    type: isHarmlessText(error.name) ? error.name : 'Error',
    ...(typeof code === 'string' && /^[A-Za-z_.-]{1,60}$/.test(code) ? { code } : {}),
    ...(ours ? { context: redactRecord(error.context, depth + 1) } : {}),
    ...(error.cause instanceof Error ? { cause: describeError(error.cause, depth + 1) } : {}),
    stack: stackFrames(error),
  };
}

function stackFrames(error: Error): readonly string[] {
  return (error.stack ?? '')
    .split('\n')
    .filter((line) => /^ {4}at /.test(line))
    .slice(0, 8)
    .map((line) => line.trim().slice(3))
    .filter((line) => !DIGITS.test(line) && !BEYOND_ASCII.test(line));
}
