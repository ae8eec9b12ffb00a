/**
 * Canonical JSON: one value, one byte string, so that a hash means the value.
 * Integers only; a fraction, a lone surrogate or `undefined` is refused instead of being written somehow.
 * @see RFC 8785 §3.2
 */

const LONE_SURROGATE = /\p{Surrogate}/u;
/** Nearly every string here: nothing to escape, so JSON.stringify would only add the quotes. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** JSON text of `value`; its UTF-8 bytes are what is hashed. Throws TypeError on what has no canonical form here. */
export function canonicalJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return canonicalString(value);
    case 'number':
      return canonicalInteger(value);
    case 'boolean':
      return value ? 'true' : 'false';
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value) ? `[${value.map(canonicalJson).join(',')}]` : canonicalObject(value);
    default:
      throw new TypeError(`no canonical JSON for ${typeof value}`);
  }
}

/** RFC 8785 §3.2.2.2 is what ECMAScript's JSON.stringify does with a string, lone surrogates excepted. */
function canonicalString(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (LONE_SURROGATE.test(text)) throw new TypeError('no canonical JSON for a lone surrogate');
  return JSON.stringify(text);
}

function canonicalInteger(value: number): string {
  if (!Number.isSafeInteger(value)) throw new TypeError('canonical JSON here takes safe integers only');
  // §3.2.2.3: minus zero is written 0, as String() does.
  return String(value);
}

/** Names in order of their UTF-16 code units (§3.2.3), which is how sort() compares strings. */
function canonicalObject(value: object): string {
  const prototype = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('canonical JSON takes plain objects only');
  }
  let text = '{';
  for (const name of Object.keys(value).sort()) {
    if (text.length > 1) text += ',';
    text += `${canonicalString(name)}:${canonicalJson((value as Record<string, unknown>)[name])}`;
  }
  return `${text}}`;
}
