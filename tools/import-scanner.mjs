/**
 * Finds what a TypeScript or JavaScript source imports, without a parser: first everything that is not code (comments,
 * texts, regular expressions) becomes blanks of the same length, then a pattern finds the imports that are left.
 */

const TOKEN = new RegExp(
  [
    String.raw`(?<comment>\/\/[^\n]*|\/\*[\s\S]*?(?:\*\/|$))`,
    String.raw`(?<string>'(?:[^'\\\n]|\\[\s\S])*'?|"(?:[^"\\\n]|\\[\s\S])*"?)`,
    String.raw`(?<word>[\w$]+)`,
    String.raw`(?<space>\s+)`,
    String.raw`(?<sign>[\s\S])`,
  ].join('|'),
  'y',
);
/** From a backtick, or from the brace that ends an expression inside, to the next such expression or the end. */
const TEMPLATE = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{|$)/y;
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/\w*/y;
/** After these a slash begins a regular expression; after a value it divides. */
const EXPRESSION_FOLLOWS =
  /^(?:[([{,;:=!&|?+\-*%<>~^]|return|typeof|case|in|of|do|else|void|await|yield|throw)?$/;

function matchAt(pattern, source, at) {
  pattern.lastIndex = at;
  return pattern.exec(source);
}

/** The token at a place: its kind and its text. `isTemplateOpen`: a closing brace would end an expression in one. */
function readToken(source, at, { last, isTemplateOpen }) {
  const sign = source[at];
  if (sign === '`' || (sign === '}' && isTemplateOpen)) {
    return { kind: 'template', text: matchAt(TEMPLATE, source, at)[0] };
  }
  const { groups } = matchAt(TOKEN, source, at);
  const [kind, text] = Object.entries(groups).find(([, each]) => each !== undefined);
  const isRegex = text === '/' && EXPRESSION_FOLLOWS.test(last);
  const regex = isRegex ? matchAt(REGEX, source, at) : null;
  return regex === null ? { kind, text } : { kind: 'regex', text: regex[0] };
}

const blank = (text) => text.replace(/[^\n]/g, ' ');

/** What the patterns shall see of a token; of a string its quotes, to find where a module is named. */
function show({ kind, text }) {
  if (kind === 'word' || kind === 'sign') return text;
  return kind === 'string' && text.length > 1
    ? text[0] + blank(text.slice(1, -1)) + text.at(-1)
    : blank(text);
}

/** Keeps count of the braces that are open in each expression inside a template. */
function countBraces(depths, { kind, text }) {
  if (kind === 'template') {
    if (text.startsWith('}')) depths.pop();
    if (text.endsWith('${')) depths.push(0);
  } else if (kind === 'sign' && depths.length > 0) {
    depths[depths.length - 1] += { '{': 1, '}': -1 }[text] ?? 0;
  }
}

/** The same source, same length and lines, with only code left. */
function maskSource(source) {
  const depths = [];
  let masked = '';
  let last = '';
  while (masked.length < source.length) {
    const token = readToken(source, masked.length, { last, isTemplateOpen: depths.at(-1) === 0 });
    countBraces(depths, token);
    masked += show(token);
    if (token.kind === 'template') last = token.text.endsWith('${') ? '{' : '`';
    else if (token.kind !== 'space' && token.kind !== 'comment') last = token.text;
  }
  return masked;
}

const NOT_A_MEMBER = '(?<![.\\w$#])';
const FROM = new RegExp(`${NOT_A_MEMBER}(?:import|export)\\s+(type\\s)?[^;'"=()]*?from\\s*(["'])`, 'dg');
const BARE = new RegExp(`${NOT_A_MEMBER}import\\s*(["'])`, 'dg');
const DYNAMIC = new RegExp(`${NOT_A_MEMBER}import\\s*\\(\\s*(["'])?`, 'dg');

/**
 * Every import of a source: `{ specifier, line, isDynamic, isTypeOnly }`. The specifier is undefined where a dynamic
 * import computes it.
 */
export function scanImports(source) {
  const masked = maskSource(source);
  const found = [];
  const add = (start, quoteAt, isDynamic, isTypeOnly) => {
    const end = quoteAt === undefined ? undefined : masked.indexOf(masked[quoteAt], quoteAt + 1);
    const specifier = end === undefined ? undefined : source.slice(quoteAt + 1, end);
    const line = source.slice(0, quoteAt ?? start).split('\n').length;
    found.push({ specifier, line, isDynamic, isTypeOnly });
  };
  for (const { index, indices, 1: type } of masked.matchAll(FROM))
    add(index, indices[2][0], false, type !== undefined);
  for (const { index, indices } of masked.matchAll(BARE)) add(index, indices[1][0], false, false);
  for (const { index, indices } of masked.matchAll(DYNAMIC)) add(index, indices[1]?.[0], true, false);
  return found.sort((a, b) => a.line - b.line);
}
