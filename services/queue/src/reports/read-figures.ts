import { type PartyState, partyStates } from '@queue-manager/contracts/parties';
import type { Report } from '@queue-manager/contracts/reports';
import type { Estimate } from '@queue-manager/contracts/values';
import { sql } from 'kysely';
import type { VenueFacts } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import type { Period } from './period.ts';
import { joinQuotes, readPeriod, waitSecondsOf } from './read-period.ts';
import { createWallClock, type WallClock } from './wall-clock.ts';

/**
 * The figures of one or more queues over a period. One pass over the period's parties that keeps only numbers: 200,000
 * parties take about 3 s and 1 MB. Reads a snapshot without locks, so that the figures are consistent while the queues
 * change.
 */
export async function readFigures(
  deps: Deps,
  venue: VenueFacts,
  queueIds: readonly Buffer[],
  period: Period,
) {
  const tally = new Tally(createWallClock(venue.timezone));
  await deps.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (db) => {
      const reader = { db, pages: deps.pages };
      for (const queueId of queueIds) {
        for await (const parties of readPeriod<Visit>(reader, queueId, period, reading)) {
          for (const party of parties) tally.add(party);
        }
      }
    });
  return {
    from: period.from.toISOString(),
    to: period.to.toISOString(),
    timezone: venue.timezone,
    ...tally.figures(),
  };
}

const reading = {
  columns: sql`p.id, p.state, p.size, p.joined_at, p.served_at, p.called_at, t.estimate`,
  joins: joinQuotes,
};

type Visit = {
  id: Buffer;
  state: PartyState;
  size: number;
  joined_at: Date;
  served_at: Date | null;
  called_at: Date | null;
  /** JSON */
  estimate: string | null;
};

type Hour = Omit<Report['perHour'][number], 'waitSecondsP50'>;
type WeekHour = Omit<Report['perWeekHour'][number], 'waitSecondsP50' | 'waitSecondsP90'>;

/** Where the ranges of quoted medians begin, in minutes: finer where a guest minds more. */
const quoteRanges = [0, 5, 10, 15, 20, 30, 45, 60, 90, 120].map((minutes) => minutes * 60);

/** Sums up parties. */
class Tally {
  readonly #wallClock: WallClock;
  readonly #outcomes = Object.fromEntries(partyStates.map((state) => [state, 0])) as Record<
    PartyState,
    number
  >;
  readonly #waits = new Seconds();
  readonly #quoted = { guests: 0, errorSum: 0, tooLow: 0, covered: 0 };
  readonly #hours = new Map<
    number,
    Hour & { waits: Seconds; ofWeek: WeekHour & { waits: Seconds } }
  >();
  readonly #weekHours = new Map<number, WeekHour & { waits: Seconds }>();
  readonly #quotes = quoteRanges.map(() => ({ below: 0, above: 0, waits: new Seconds() }));
  #joined = 0;
  #seats = 0;
  #abandoned = 0;
  /** Called parties that have been seated or have ended. */
  #calledAndOver = 0;

  constructor(wallClock: WallClock) {
    this.#wallClock = wallClock;
  }

  add(party: Visit): void {
    const hour = this.#hourAt(party.joined_at);
    const { ofWeek } = hour;
    this.#joined += 1;
    hour.joined += 1;
    ofWeek.joined += 1;
    if (party.state === 'no_show') ofWeek.noShows += 1;
    this.#outcomes[party.state] += 1;
    if (party.state === 'seated' || party.state === 'departed') this.#seats += party.size;
    if (party.called_at !== null && party.state !== 'called') this.#calledAndOver += 1;
    const wait = waitSecondsOf(party);
    if (wait !== null) {
      hour.served += 1;
      ofWeek.served += 1;
      this.#waits.add(wait);
      hour.waits.add(wait);
      ofWeek.waits.add(wait);
      if (party.estimate !== null) this.#scoreQuote(JSON.parse(party.estimate) as Estimate, wait);
    } else if (party.state === 'left') {
      hour.abandoned += 1;
      ofWeek.abandoned += 1;
      this.#abandoned += 1;
    }
  }

  figures(): Omit<Report, 'queueId' | 'from' | 'to' | 'timezone'> {
    const { guests, errorSum, tooLow, covered } = this.#quoted;
    const waits = this.#waits.sorted();
    return {
      joined: this.#joined,
      outcomes: this.#outcomes,
      seats: this.#seats,
      waits: {
        count: waits.length,
        p50: nearestRank(waits, 0.5),
        p90: nearestRank(waits, 0.9),
        max: waits.at(-1) ?? null,
      },
      noShowRate: share(this.#outcomes.no_show, this.#calledAndOver),
      abandonmentRate: share(this.#abandoned, waits.length + this.#abandoned),
      quoted: {
        guests,
        maeSeconds: share(errorSum, guests),
        tooLowShare: share(tooLow, guests),
        coverage80: share(covered, guests),
      },
      perHour: [...this.#hours.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, { waits, ofWeek: _, ...hour }]) => ({
          ...hour,
          waitSecondsP50: nearestRank(waits.sorted(), 0.5),
        })),
      perWeekHour: [...this.#weekHours.entries()]
        .sort(([a], [b]) => a - b)
        .map(([, { waits, ...hour }]) => {
          const sorted = waits.sorted();
          return {
            ...hour,
            waitSecondsP50: nearestRank(sorted, 0.5),
            waitSecondsP90: nearestRank(sorted, 0.9),
          };
        }),
      perQuote: this.#quotes.flatMap(({ below, above, waits }, index) => {
        const sorted = waits.sorted();
        if (sorted.length === 0) return [];
        const at = (p: number) => nearestRank(sorted, p) as number;
        return {
          fromSeconds: quoteRanges[index] as number,
          toSeconds: quoteRanges[index + 1] ?? null,
          guests: sorted.length,
          waitSecondsP10: at(0.1),
          waitSecondsP50: at(0.5),
          waitSecondsP90: at(0.9),
          belowShare: below / sorted.length,
          aboveShare: above / sorted.length,
        };
      }),
    };
  }

  #hourAt(joinedAt: Date) {
    const start = this.#wallClock.hourOf(joinedAt);
    const known = this.#hours.get(start.getTime());
    if (known !== undefined) return known;
    const local = this.#wallClock.show(start);
    const hour = {
      start: start.toISOString(),
      hour: withoutSeconds(local),
      joined: 0,
      served: 0,
      abandoned: 0,
      waits: new Seconds(),
      ofWeek: this.#weekHourOf(local),
    };
    this.#hours.set(start.getTime(), hour);
    return hour;
  }

  #weekHourOf(local: string) {
    const weekday = new Date(`${local.slice(0, 10)}T00:00:00Z`).getUTCDay() || 7;
    const hour = Number(local.slice(11, 13));
    const key = weekday * 24 + hour;
    const known = this.#weekHours.get(key);
    if (known !== undefined) return known;
    const counts = { joined: 0, served: 0, abandoned: 0, noShows: 0 };
    const weekHour = { weekday, hour, ...counts, waits: new Seconds() };
    this.#weekHours.set(key, weekHour);
    return weekHour;
  }

  /** Scores a quote as `npm run estimates` does: a guest served at once says nothing about an estimate. */
  #scoreQuote({ p10, p50, p90 }: Estimate, wait: number): void {
    if (wait === 0) return;
    const quoted = this.#quoted;
    quoted.guests += 1;
    quoted.errorSum += Math.abs(wait - p50);
    if (p50 < wait) quoted.tooLow += 1;
    if (p10 <= wait && wait <= p90) quoted.covered += 1;
    const range = this.#quotes[quoteRanges.findLastIndex((from) => from <= p50)];
    if (range === undefined) return;
    range.waits.add(wait);
    if (wait < p10) range.below += 1;
    if (wait > p90) range.above += 1;
  }
}

/** A growing list of seconds at four bytes each. */
class Seconds {
  #values = new Int32Array(64);
  #length = 0;

  add(value: number): void {
    if (this.#length === this.#values.length) {
      const more = new Int32Array(this.#length * 2);
      more.set(this.#values);
      this.#values = more;
    }
    this.#values[this.#length] = value;
    this.#length += 1;
  }

  sorted(): Int32Array {
    return this.#values.slice(0, this.#length).sort();
  }
}

/** The nearest-rank percentile; null without values. */
function nearestRank(sorted: Int32Array, p: number): number | null {
  return sorted[Math.ceil(p * sorted.length) - 1] ?? null;
}

function share(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** `2026-11-20T21:00:00+00:00` → `2026-11-20T21:00+00:00` */
function withoutSeconds(shown: string): string {
  return shown.slice(0, 16) + shown.slice(19);
}
