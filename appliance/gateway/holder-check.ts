/**
 * Card face and authentication certificate have keys that nothing public links, so two cards behind one antenna could
 * show one face and authenticate another person. What both sides know is compared: birth date and sex as the issuer
 * signed them on the card, and as the insurance has them for the certificate. @see docs/protocol-facts.md 1.9
 */
import type { Sex } from '#card/card-file.ts';
import type { EligibilityAnswer } from '#contract/centre/eligibility.ts';
import type { HolderCheck } from '#evidence/record.ts';

export interface CardHolder {
  /** YYYYMMDD, zeros where a part is unknown. */
  readonly birthDate: string;
  readonly sex: Sex;
}

/** Sex1 of the insurance; 3 is 未設定. */
const SEX1: Readonly<Partial<Record<Sex, '1' | '2'>>> = { male: '1', female: '2' };

/** Year, month and day: equal where both sides know them. */
function isSameDate(left: string, right: string): boolean {
  const parts = [
    [0, 4],
    [4, 6],
    [6, 8],
  ] as const;
  return parts.every(([from, to]) => {
    const [a, b] = [left.slice(from, to), right.slice(from, to)];
    return a === b || Number(a) === 0 || Number(b) === 0;
  });
}

function isSamePerson(
  holder: CardHolder,
  { Birthdate, Sex1 }: EligibilityAnswer['ResultList'][number],
): boolean {
  const sex = SEX1[holder.sex];
  return isSameDate(holder.birthDate, Birthdate) && (sex === undefined || Sex1 === '3' || Sex1 === sex);
}

/** `different` when any result names somebody else; without card data or without results there is nothing to compare. */
export function checkHolder(
  holder: CardHolder | undefined,
  answer: EligibilityAnswer | undefined,
): HolderCheck {
  if (holder === undefined || answer === undefined || answer.ResultList.length === 0) return 'not-compared';
  return answer.ResultList.every((result) => isSamePerson(holder, result)) ? 'same' : 'different';
}
