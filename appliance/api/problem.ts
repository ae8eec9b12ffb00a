/** Turns an error into what the outside may know: one row of the table, in the language asked for (RFC 9457). */
import { ERRORS, type SekishoError } from '#contract/errors.ts';
import type { Problem } from '#contract/http/messages.ts';

export type Language = 'ja' | 'en';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

export function describeProblem(error: SekishoError, requestId: string, language: Language): Problem {
  const row = ERRORS[error.code];
  const { title, next } = row[language];
  const triesLeft = pinTriesLeft(error);
  return {
    type: `urn:sekisho:error:${error.code}`,
    title,
    status: row.http,
    code: error.code,
    next,
    // biome-ignore lint/suspicious/noThenProperty: a string is not callable
    then: row.then,
    who: row.who,
    requestId,
    ...(error.field === undefined ? {} : { field: error.field }),
    ...(triesLeft === undefined ? {} : { triesLeft }),
  };
}

/** The one value of an error's context that leaves the appliance: the clerk must see it before the next try. */
function pinTriesLeft(error: SekishoError): number | undefined {
  if (error.code !== 'operator.pin-wrong' && error.code !== 'operator.pin-last-try') return undefined;
  const { triesLeft } = error.context;
  return typeof triesLeft === 'number' ? triesLeft : undefined;
}

/** Seconds after which trying again makes sense, for the errors that pass by themselves. */
export function retryAfterSeconds(error: SekishoError): number | undefined {
  const { http, then } = ERRORS[error.code];
  return then === 'wait' && (http === 429 || http === 503) ? 1 : undefined;
}

/** Japanese unless English is preferred. @see RFC 9110 §12.5.4 */
export function chooseLanguage(acceptLanguage: string | undefined): Language {
  const weights = { ja: 0, en: 0 };
  for (const item of (acceptLanguage ?? '').split(',').slice(0, 20)) {
    const match = /^\s*(ja|en)(?:-[a-z0-9-]+)?\s*(?:;\s*q=([01](?:\.\d{0,3})?))?\s*$/i.exec(item);
    if (match === null) continue;
    const language = match[1]?.toLowerCase() === 'en' ? 'en' : 'ja';
    weights[language] = Math.max(weights[language], Number(match[2] ?? '1'));
  }
  return weights.en > weights.ja ? 'en' : 'ja';
}
