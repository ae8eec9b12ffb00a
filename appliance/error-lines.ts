/** What a person at a terminal reads when a program of ours ends with an error: Japanese, English, and what exactly. */
import { ConfigProblemList } from '#config/load.ts';
import { ERRORS, type SekishoError, toSekishoError } from '#contract/errors.ts';

/** The next step at this very command line, in place of the table's. */
export interface Advice {
  readonly ja: string;
  readonly en: string;
}

/** Of any `thrown`; nothing of it is secret, because system errors carry paths and addresses only. */
export function errorLines(thrown: unknown, advice?: Advice): string[] {
  const error = toSekishoError(thrown);
  const { ja, en } = ERRORS[error.code];
  return [
    `${ja.title}${advice?.ja ?? ja.next}`,
    `${en.title} ${advice?.en ?? en.next} [${error.code}]`,
    ...particulars(error).map((line) => `  ${line}`),
  ];
}

function particulars({ code, cause, field }: SekishoError): string[] {
  if (cause instanceof ConfigProblemList) return cause.message.split('\n');
  if (!(cause instanceof Error)) return [];
  // A bug is for a developer: the stack tells where.
  if (code === 'internal.bug') return (cause.stack ?? '').split('\n');
  if (!('syscall' in cause)) return [];
  return [field === undefined ? cause.message : `${field}: ${cause.message}`];
}
