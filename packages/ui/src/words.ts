import type { Estimate } from '@queue-manager/contracts/values';
import { ageFormat, numberFormat, timeFormat } from './formats.ts';
import { defineTexts, type Reader, translator } from './text.ts';

const texts = defineTexts({
  en: {
    about: 'about {wait}',
    between: 'between {low} and {high}',
    soon: 'any moment now',
    upTo: 'up to {high}',
    by: 'by {time}',
  },
  pt: {
    about: 'cerca de {wait}',
    between: 'entre {low} e {high}',
    soon: 'a qualquer momento',
    upTo: 'até {high}',
    by: 'até às {time}',
  },
  es: {
    about: 'cerca de {wait}',
    between: 'entre {low} y {high}',
    soon: 'en cualquier momento',
    upTo: 'hasta {high}',
    by: 'antes de las {time}',
  },
  fr: {
    about: 'environ {wait}',
    between: 'entre {low} et {high}',
    soon: 'd’un instant à l’autre',
    upTo: 'jusqu’à {high}',
    by: 'd’ici {time}',
  },
  de: {
    about: 'etwa {wait}',
    between: 'zwischen {low} und {high}',
    soon: 'jeden Moment',
    upTo: 'bis zu {high}',
    by: 'bis {time} Uhr',
  },
  ar: {
    about: '{wait} تقريبًا',
    between: '{low} – {high}',
    soon: 'في أي لحظة',
    upTo: '{high} على الأكثر',
    by: 'قبل الساعة {time}',
  },
});

type Quantiles = Pick<Estimate, 'p10' | 'p50' | 'p90'>;

/** Minutes as people say them: to the minute, to 5, to 15, to half an hour. */
function stepOf(minutes: number): number {
  if (minutes < 10) return 1;
  if (minutes < 60) return 5;
  return minutes < 120 ? 15 : 30;
}

const rounded = (seconds: number, round: (value: number) => number) => {
  const minutes = seconds / 60;
  const step = stepOf(minutes);
  return round(minutes / step) * step;
};

/** A wait in plain words: about how long, and the range that it should be in; null where there is no range to name. */
export function waitWords(
  reader: Reader,
  { p10, p50, p90 }: Quantiles,
): { about: string; between: string | null } {
  const text = translator(texts, reader);
  const [low, middle, high] = [
    rounded(p10, Math.floor),
    Math.max(rounded(p50, Math.round), 1),
    Math.max(rounded(p90, Math.ceil), 1),
  ];
  const about = p50 < 60 ? text('soon') : text('about', { wait: durationWords(reader, middle) });
  if (high === low || (p50 < 60 && high <= 1)) return { about, between: null };
  if (low < 1) return { about, between: text('upTo', { high: durationWords(reader, high) }) };
  // The unit once, unless they differ.
  const lowWords = low < 120 === high < 120 ? numberOf(reader, low) : durationWords(reader, low);
  return { about, between: text('between', { low: lowWords, high: durationWords(reader, high) }) };
}

const inHours = (minutes: number) => minutes >= 120;

function numberOf({ tag }: Reader, minutes: number): string {
  return numberFormat(tag).format(inHours(minutes) ? minutes / 60 : minutes);
}

function durationWords({ tag }: Reader, minutes: number): string {
  const unit = inHours(minutes) ? 'hour' : 'minute';
  const format = numberFormat(tag, { style: 'unit', unit, unitDisplay: 'long' });
  return format.format(inHours(minutes) ? minutes / 60 : minutes);
}

const minuteMs = 60_000;
const roundTimeMs = 5 * minuteMs;

const timesOfDay = ({ tag }: Reader, timeZone: string | undefined) =>
  timeFormat(tag, {
    timeStyle: 'short',
    ...(timeZone === undefined ? {} : { timeZone }),
  });

/** The time of day at the venue that a wait means: "20:40–21:05", or "by 21:05" if it may be over at once. */
export function timeRange(
  reader: Reader,
  timeZone: string,
  nowMs: number,
  { p10, p90 }: Quantiles,
): string {
  const format = timesOfDay(reader, timeZone);
  const at = (seconds: number, round: (value: number) => number) =>
    round((nowMs + seconds * 1_000) / roundTimeMs) * roundTimeMs;
  const [from, to] = [at(p10, Math.floor), at(p90, Math.ceil)];
  if (from > nowMs) return format.formatRange(from, to);
  return translator(texts, reader)('by', { time: format.format(to) });
}

export function timeOfDay(
  reader: Reader,
  timeZone: string | undefined,
  at: number | string,
): string {
  return timesOfDay(reader, timeZone).format(new Date(at));
}

/** How long ago something was: "3 minutes ago". */
export function ageWords({ tag }: Reader, ageMs: number): string {
  const format = ageFormat(tag);
  const minutes = Math.floor(ageMs / minuteMs);
  // Not "now": whoever reads it hears of something that was.
  if (minutes < 1) return format.format(-Math.max(1, Math.floor(ageMs / 1_000)), 'second');
  if (minutes < 60) return format.format(-minutes, 'minute');
  if (minutes < 24 * 60) return format.format(-Math.floor(minutes / 60), 'hour');
  return format.format(-Math.floor(minutes / (24 * 60)), 'day');
}

/** Time left as a clock shows it: "4:05". */
export function countdown(leftMs: number): string {
  const seconds = Math.max(0, Math.ceil(leftMs / 1_000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}
