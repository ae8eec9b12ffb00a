/** Which of the two languages the page speaks now, and the choice between two texts. */

export type Language = 'ja' | 'en';
export type Text = readonly [ja: string, en: string];

let language: Language = 'ja';

export function setLanguage(chosen: Language): void {
  language = chosen;
}

export function currentLanguage(): Language {
  return language;
}

export const speak = ([ja, en]: Text): string => (language === 'ja' ? ja : en);
