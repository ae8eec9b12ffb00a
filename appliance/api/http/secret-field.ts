/**
 * Lifts PINs out of a JSON message before it is parsed, so that no string of them is ever made: strings cannot
 * be overwritten, bytes can. What stays beyond our reach: the copies inside OpenSSL's record buffer and the
 * kernel's socket buffer, and memory that the garbage collector moved before we overwrote it.
 */
import { SECRET_FIELDS, type SecretField } from '#contract/http.ts';

export type Secrets = ReadonlyMap<SecretField, Uint8Array>;

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const SPACE = 0x20;

/**
 * Copies the value of every secret field and overwrites it in `json` with characters of the same class
 * (`0` for a digit, `x` for other printable ASCII), so that the schema still judges its form. A value that is
 * not plain printable ASCII becomes a control character, which no JSON parser accepts. A secret under an
 * escaped name (`p\u0069n`) is not lifted; its handler then finds none and refuses.
 */
export function liftSecrets(json: Uint8Array): Secrets {
  const secrets = new Map<SecretField, Uint8Array>();
  let at = 0;
  while (at < json.length) {
    if (json[at] !== QUOTE) {
      at += 1;
      continue;
    }
    const end = endOfString(json, at);
    const field = secretFieldAt(json, at + 1, end);
    at = end + 1;
    const value = field === undefined ? undefined : valueAfter(json, at);
    if (field === undefined || value === undefined) continue;
    secrets.get(field)?.fill(0);
    secrets.set(field, json.slice(value.start, value.end));
    maskSameClass(json.subarray(value.start, value.end));
    at = value.end + 1;
  }
  return secrets;
}

export function wipeSecrets(secrets: Secrets): void {
  for (const secret of secrets.values()) secret.fill(0);
}

/** Position of the closing quote of the string that opens at `start`, or the end of the message. */
function endOfString(json: Uint8Array, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== QUOTE) at += json[at] === BACKSLASH ? 2 : 1;
  return Math.min(at, json.length);
}

function secretFieldAt(json: Uint8Array, start: number, end: number): SecretField | undefined {
  return SECRET_FIELDS.find(
    (field) =>
      field.length === end - start && Buffer.from(json.subarray(start, end)).equals(Buffer.from(field)),
  );
}

/** The inside of the string that follows `:`; undefined when something else follows. */
function valueAfter(json: Uint8Array, start: number): { start: number; end: number } | undefined {
  const colon = skipSpace(json, start);
  if (json[colon] !== COLON) return undefined;
  const quote = skipSpace(json, colon + 1);
  return json[quote] === QUOTE ? { start: quote + 1, end: endOfString(json, quote) } : undefined;
}

function skipSpace(json: Uint8Array, start: number): number {
  let at = start;
  while (json[at] === SPACE || json[at] === 0x09 || json[at] === 0x0a || json[at] === 0x0d) at += 1;
  return at;
}

function maskSameClass(value: Uint8Array): void {
  value.forEach((byte, index) => {
    if (byte >= 0x30 && byte <= 0x39) value[index] = 0x30;
    else if (byte > SPACE && byte < 0x7f && byte !== BACKSLASH) value[index] = 0x78;
    else value[index] = 0x01;
  });
}
