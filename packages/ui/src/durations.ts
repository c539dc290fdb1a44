import type { Estimate } from '@queue-manager/contracts/values';
import { numberFormat } from './formats.ts';
import { defineTexts, type Reader, translator } from './text.ts';

/* How long staff see that something took, in as little room as possible. Guests read whole words: `waitWords`. */

const texts = defineTexts({
  en: { minutes: '{time} min', hours: '{hours} h {minutes} min', range: '{low} – {high}' },
  pt: { minutes: '{time} min', hours: '{hours} h {minutes} min', range: '{low} – {high}' },
  es: { minutes: '{time} min', hours: '{hours} h {minutes} min', range: '{low} – {high}' },
  fr: { minutes: '{time} min', hours: '{hours} h {minutes} min', range: '{low} – {high}' },
  de: { minutes: '{time} min', hours: '{hours} h {minutes} min', range: '{low} – {high}' },
  ar: { minutes: '{time} د', hours: '{hours} س {minutes} د', range: '{low} – {high}' },
});

/** Whole minutes: "14 min", "1 h 31 min". */
export function shortDuration(reader: Reader, minutes: number): string {
  const text = translator(texts, reader);
  const whole = Math.max(0, Math.floor(minutes));
  if (whole < 60) return text('minutes', { time: whole });
  return text('hours', { hours: Math.floor(whole / 60), minutes: whole % 60 });
}

/** What an estimate lies between: "10–25 min", "50 min – 1 h 10 min". */
export function shortRange(reader: Reader, { p10, p90 }: Pick<Estimate, 'p10' | 'p90'>): string {
  const [low, high] = [Math.floor(p10 / 60), Math.ceil(p90 / 60)];
  if (low >= high) return shortDuration(reader, high);
  const text = translator(texts, reader);
  if (high >= 60) {
    return text('range', { low: shortDuration(reader, low), high: shortDuration(reader, high) });
  }
  return text('minutes', { time: numberFormat(reader.tag).formatRange(low, high) });
}
