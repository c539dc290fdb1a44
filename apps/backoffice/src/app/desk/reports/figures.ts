import type { VenueReport } from '@queue-manager/contracts/reports';
import { numberFormat, timeFormat } from '@queue-manager/ui/formats';
import type { Reader, Translate } from '@queue-manager/ui/text';
import type { Column } from '../charts/column-chart.ts';
import type { Range } from '../charts/range-chart.ts';
import type { TableData } from '../charts/table.ts';
import type { texts } from './strings.ts';

/*
 * What the charts of a report draw, and their tables. Waits are shown in minutes.
 */

type Words = { text: Translate<typeof texts.en>; reader: Reader };
type Figures = Pick<VenueReport, 'joined' | 'outcomes' | 'perWeekHour' | 'perQuote' | 'quoted'>;
type WeekHour = Figures['perWeekHour'][number];
export type ColumnFigure = { columns: Column[]; table: TableData };

const tenths = (value: number) => Math.round(value * 10) / 10;
export const minutesOf = (seconds: number) => tenths(seconds / 60);
const percentOf = (share: number) => tenths(share * 100);
const minutesOrNull = (seconds: number | null) => (seconds === null ? null : minutesOf(seconds));

export function hourName({ tag }: Reader, hour: number): string {
  return timeFormat(tag, { hour: 'numeric', timeZone: 'UTC' }).format(hour * 3_600_000);
}

/** 1 is Monday. */
export function weekdayName({ tag }: Reader, weekday: number, weekdayStyle: 'long' | 'short') {
  // The first of January 2024 was a Monday.
  const day = Date.UTC(2024, 0, weekday);
  return timeFormat(tag, { weekday: weekdayStyle, timeZone: 'UTC' }).format(day);
}

/** Hours in the order of a business day, from the first with guests to the last. */
export function hoursOf(report: Pick<Figures, 'perWeekHour'>, firstHour: number): number[] {
  const places = report.perWeekHour.map(({ hour }) => (hour - firstHour + 24) % 24);
  if (places.length === 0) return [];
  const [from, to] = [Math.min(...places), Math.max(...places)];
  return Array.from({ length: to - from + 1 }, (_, index) => (from + index + firstHour) % 24);
}

/** The waits of one night: half of the guests, and 9 of 10. */
export function nightWaits(report: Figures, firstHour: number, { text, reader }: Words) {
  const hours = hoursOf(report, firstHour).map((hour) => ({
    label: hourName(reader, hour),
    found: report.perWeekHour.find((entry) => entry.hour === hour),
  }));
  const columns = hours.map(({ label, found }) => {
    const [half, nine] = [found?.waitSecondsP50 ?? 0, found?.waitSecondsP90 ?? 0].map(minutesOf);
    return { label, values: [half ?? 0, tenths((nine ?? 0) - (half ?? 0))] };
  });
  const rows = hours.map(({ label, found }) => [
    label,
    found?.served ?? 0,
    minutesOrNull(found?.waitSecondsP50 ?? null),
    minutesOrNull(found?.waitSecondsP90 ?? null),
  ]);
  const heads = [text('hour'), text('served'), text('medianMin'), text('nineMin')];
  return { columns, table: { heads, rows } } satisfies ColumnFigure;
}

/** The cells of a chart of weekdays and hours; null where nobody was served. */
export function weekWaits(report: Figures, firstHour: number, { text, reader }: Words) {
  const hours = hoursOf(report, firstHour);
  const cells = report.perWeekHour.filter(({ waitSecondsP50 }) => waitSecondsP50 !== null);
  const max = Math.max(...cells.map(({ waitSecondsP50 }) => waitSecondsP50 ?? 0), 1);
  const days = [1, 2, 3, 4, 5, 6, 7]
    .filter((day) => report.perWeekHour.some(({ weekday }) => weekday === day))
    .map((day) => ({
      name: weekdayName(reader, day, 'short'),
      cells: hours.map((hour) => {
        const found = cells.find((cell) => cell.weekday === day && cell.hour === hour);
        const wait = found?.waitSecondsP50 ?? null;
        return wait === null ? null : { minutes: Math.round(wait / 60), share: wait / max };
      }),
    }));
  const heads = [
    text('weekday'),
    text('hour'),
    text('joined'),
    text('served'),
    text('left'),
    text('noShow'),
    text('medianMin'),
    text('nineMin'),
  ];
  const rows = report.perWeekHour.map((entry) => [
    weekdayName(reader, entry.weekday, 'long'),
    hourName(reader, entry.hour),
    entry.joined,
    entry.served,
    entry.abandoned,
    entry.noShows,
    minutesOrNull(entry.waitSecondsP50),
    minutesOrNull(entry.waitSecondsP90),
  ]);
  const hourNames = hours.map((hour) => hourName(reader, hour));
  return { hours: hourNames, days, table: { heads, rows } };
}

/** From the axis upwards: served, no-shows, those who left, all others. */
function countsOf(entries: readonly WeekHour[]): number[] {
  const sum = (of: (entry: WeekHour) => number) =>
    entries.reduce((total, entry) => total + of(entry), 0);
  return [
    sum(({ served, noShows }) => served - noShows),
    sum(({ noShows }) => noShows),
    sum(({ abandoned }) => abandoned),
    sum(({ joined, served, abandoned }) => joined - served - abandoned),
  ];
}

function countFigure(columns: Column[], head: string, { text }: Words): ColumnFigure {
  const heads = [head, text('served'), text('noShow'), text('left'), text('other')];
  return {
    columns,
    table: { heads, rows: columns.map(({ label, values }) => [label, ...values]) },
  };
}

export function countsByHour(report: Figures, firstHour: number, words: Words): ColumnFigure {
  const columns = hoursOf(report, firstHour).map((hour) => ({
    label: hourName(words.reader, hour),
    values: countsOf(report.perWeekHour.filter((entry) => entry.hour === hour)),
  }));
  return countFigure(columns, words.text('hour'), words);
}

export function countsByWeekday(report: Figures, words: Words): ColumnFigure {
  const columns = [1, 2, 3, 4, 5, 6, 7].map((weekday) => ({
    label: weekdayName(words.reader, weekday, 'short'),
    values: countsOf(report.perWeekHour.filter((entry) => entry.weekday === weekday)),
  }));
  return countFigure(columns, words.text('weekday'), words);
}

const outcomeNames = {
  waiting: 'waiting',
  called: 'called',
  seated: 'seated',
  departed: 'departed',
  no_show: 'noShow',
  left: 'leftState',
  removed: 'removed',
} as const;

export function outcomesOf({ outcomes, joined }: Figures, { text }: Words) {
  const bars = Object.entries(outcomeNames).map(([state, name]) => ({
    label: text(name),
    value: outcomes[state as keyof typeof outcomeNames],
  }));
  const rows = bars.map(({ label, value }) => [label, value, percentOf(value / (joined || 1))]);
  return {
    bars,
    table: { heads: [text('outcome'), text('number'), text('share')], rows },
  };
}

/** The quoted waits of the last range have no end; it is drawn as long as the one before. */
export function quotesOf({ perQuote }: Figures, { text, reader }: Words) {
  const ranges = perQuote.map((quote): Range => {
    const from = quote.fromSeconds / 60;
    const to = quote.toSeconds === null ? from + 30 : quote.toSeconds / 60;
    const number = (value: number) => numberFormat(reader.tag).format(value);
    return {
      label: quote.toSeconds === null ? `${number(from)}+` : `${number(from)}–${number(to)}`,
      expected: { from, to },
      actual: {
        p10: minutesOf(quote.waitSecondsP10),
        p50: minutesOf(quote.waitSecondsP50),
        p90: minutesOf(quote.waitSecondsP90),
      },
    };
  });
  const heads = [
    text('quotedMin'),
    text('guests'),
    text('tenMin'),
    text('medianMin'),
    text('nineMin'),
    text('below'),
    text('within'),
    text('above'),
  ];
  const rows = perQuote.map((quote, index) => [
    ranges[index]?.label ?? '',
    quote.guests,
    minutesOf(quote.waitSecondsP10),
    minutesOf(quote.waitSecondsP50),
    minutesOf(quote.waitSecondsP90),
    percentOf(quote.belowShare),
    percentOf(1 - quote.belowShare - quote.aboveShare),
    percentOf(quote.aboveShare),
  ]);
  return { ranges, table: { heads, rows } };
}
