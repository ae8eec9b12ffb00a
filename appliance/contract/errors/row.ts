/** The shape of one row of the error table. */

/** Who can do something about it. */
export type WhoActs = 'patient' | 'operator' | 'support' | 'developer';

/** What they do; screens turn it into one button. */
export type NextStep =
  | 'tap-again'
  | 'wait'
  | 'sign-in'
  | 'enter-pin-again'
  | 'unlock-sam'
  | 'check-network'
  | 'use-insured-number'
  | 'ask-patient'
  | 'correct-input'
  | 'call-support'
  | 'none';

export interface ErrorText {
  /** One short sentence: what happened. */
  readonly title: string;
  /** One short sentence: what to do now. */
  readonly next: string;
}

export interface ErrorRow {
  /** Two bytes on BLE, unique for ever, grouped by hundred. */
  readonly wire: number;
  readonly http: number;
  readonly who: WhoActs;
  readonly then: NextStep;
  readonly ja: ErrorText;
  readonly en: ErrorText;
}

/** Writes a row in one call, so that the tables below read as tables. */
export function row(
  wire: number,
  http: number,
  who: WhoActs,
  then: NextStep,
  ja: readonly [title: string, next: string],
  en: readonly [title: string, next: string],
): ErrorRow {
  return { wire, http, who, then, ja: { title: ja[0], next: ja[1] }, en: { title: en[0], next: en[1] } };
}
