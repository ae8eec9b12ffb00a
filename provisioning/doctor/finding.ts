/** What the doctor found, one row of the table each. */
import { ERRORS, type SekishoError } from '#contract/errors.ts';

export interface Bilingual {
  readonly ja: string;
  readonly en: string;
}

/** `skip`: nobody knows; it is not a pass. `limit`: does not work, and need not with the settings asked for. */
export type Result = 'pass' | 'fail' | 'skip' | 'limit';

export interface Finding {
  /** "apdu-400" */
  readonly check: string;
  /** The device; absent when it is about the machine. */
  readonly device?: string;
  readonly title: Bilingual;
  readonly result: Result;
  /** A figure or a name, the same in both languages; never card data. */
  readonly detail?: string;
  /** What to do; with everything but a pass. */
  readonly next?: Bilingual;
}

export type FindingSink = (finding: Finding) => void;

export function nextOf(error: SekishoError): Bilingual {
  const { ja, en } = ERRORS[error.code];
  return { ja: `${ja.title}${ja.next}`, en: `${en.title} ${en.next}` };
}

/** 0: everything was tried and passed. 1: something failed. 3: nothing failed, but something was not tested. */
export function exitCodeOf(findings: readonly Finding[]): 0 | 1 | 3 {
  if (findings.some(({ result }) => result === 'fail')) return 1;
  return findings.some(({ result }) => result === 'skip') ? 3 : 0;
}
