/** Dates as people in a Japanese clinic read them. */
import { currentLanguage } from './language.ts';
import { t } from './messages.ts';

const TIME_ZONE = 'Asia/Tokyo';
const locale = (): string => (currentLanguage() === 'ja' ? 'ja-JP' : 'en-GB');

/** The clinic's calendar day, YYYY-MM-DD. */
export function dayOf(at: Date): string {
  return new Intl.DateTimeFormat('en-CA', { timeZone: TIME_ZONE, dateStyle: 'short' }).format(at);
}

export function clockTime(instant: string): string {
  const format = new Intl.DateTimeFormat(locale(), {
    timeZone: TIME_ZONE,
    hour: '2-digit',
    minute: '2-digit',
  });
  return format.format(new Date(instant));
}

export function longDate(instant: string): string {
  return new Intl.DateTimeFormat(locale(), { timeZone: TIME_ZONE, dateStyle: 'long' }).format(
    new Date(instant),
  );
}

export function dateAndTime(instant: string): string {
  const style = { dateStyle: 'medium', timeStyle: 'short' } as const;
  return new Intl.DateTimeFormat(locale(), { timeZone: TIME_ZONE, ...style }).format(new Date(instant));
}

/** "19480315" with the Japanese era that older people know their birthday by. */
export function compactDate(compact: string, withEra = false): string {
  const instant = `${compact.slice(0, 4)}-${compact.slice(4, 6)}-${compact.slice(6, 8)}T00:00:00+09:00`;
  if (Number.isNaN(Date.parse(instant))) return compact;
  if (!withEra || currentLanguage() !== 'ja') return longDate(instant);
  const era = new Intl.DateTimeFormat('ja-JP-u-ca-japanese', {
    timeZone: TIME_ZONE,
    era: 'long',
    year: 'numeric',
  });
  return `${longDate(instant)}（${era.format(new Date(instant))}）`;
}

export function ageText(seconds: number): string {
  if (seconds >= 86_400) return t('days', { n: Math.floor(seconds / 86_400) });
  if (seconds >= 3_600) return t('hours', { n: Math.floor(seconds / 3_600) });
  return t('minutes', { n: Math.floor(seconds / 60) });
}
