/** Dates of the seed, counted from the day that the seed is made for. All are calendar days in Japan. */

const DAY_MS = 24 * 60 * 60 * 1000;
const JAPAN_OFFSET_MS = 9 * 60 * 60 * 1000;

/** YYYYMMDD -> the instant when that day begins in Japan. */
export function dayStartMs(date: string): number {
  const [year, month, day] = [date.slice(0, 4), date.slice(4, 6), date.slice(6, 8)].map(Number);
  return Date.UTC(year ?? 0, (month ?? 1) - 1, day ?? 1) - JAPAN_OFFSET_MS;
}

export const toDate = (atMs: number): string =>
  new Date(atMs + JAPAN_OFFSET_MS).toISOString().slice(0, 10).replaceAll('-', '');

export const addDays = (date: string, days: number): string => toDate(dayStartMs(date) + days * DAY_MS);

export const toInstant = (atMs: number): string => new Date(atMs).toISOString();

/** Full years on `today`. */
export const ageOn = (birthDate: string, today: string): number =>
  Math.floor((Number(today) - Number(birthDate)) / 10_000);

export const laterOf = (a: string, b: string): string => (a.localeCompare(b) > 0 ? a : b);

/** The same day of the year, `years` later. */
export const addYears = (date: string, years: number): string =>
  `${Number(date.slice(0, 4)) + years}${date.slice(4)}`;
