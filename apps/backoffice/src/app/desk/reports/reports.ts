import { Component, computed, inject, input, resource } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { everyItem } from '@queue-manager/client/client';
import type { VenueReport } from '@queue-manager/contracts/reports';
import { shortDuration } from '@queue-manager/ui/durations';
import { numberFormat } from '@queue-manager/ui/formats';
import { Empty } from '../../parts/empty.ts';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { Venues } from '../../session/venues.ts';
import { BarChart } from '../charts/bar-chart.ts';
import { ColumnChart } from '../charts/column-chart.ts';
import { Figure } from '../charts/figure.ts';
import { RangeChart } from '../charts/range-chart.ts';
import { download } from '../charts/table.ts';
import { dayWords } from '../night.ts';
import {
  countsByHour,
  countsByWeekday,
  minutesOf,
  nightWaits,
  outcomesOf,
  quotesOf,
  weekWaits,
} from './figures.ts';
import { isPreset, periodOf, presets } from './period.ts';
import { texts } from './strings.ts';
import { WeekChart } from './week-chart.ts';

/** What a period was like: of all lines of the venue, or of some. */
@Component({
  imports: [
    BarChart,
    ColumnChart,
    Empty,
    Field,
    Figure,
    Heading,
    Icon,
    Input,
    RangeChart,
    RouterLink,
    WeekChart,
  ],
  host: { class: 'stack' },
  templateUrl: './reports.html',
  styleUrls: ['../numbers.css', './reports.css'],
})
export class Reports {
  readonly venueId = input.required<string>();
  /** The period, by its name or from one day to another, and the ids of queues; of the address. */
  readonly period = input<string>();
  readonly from = input<string>();
  readonly to = input<string>();
  readonly queues = input<string>();

  protected readonly text = injectText(texts);
  protected readonly problemText = injectProblemText();
  protected readonly presets = presets;
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #venues = inject(Venues);
  readonly #router = inject(Router);
  readonly #toasts = inject(Toasts);
  readonly #reader = inject(ReaderLanguage).reader;
  readonly #words = computed(() => ({ text: this.text, reader: this.#reader() }));
  protected readonly venue = computed(() => this.#venues.find(this.venueId()));

  protected readonly preset = computed(() => {
    const name = this.period();
    if (isPreset(name)) return name;
    return this.from() !== undefined && this.to() !== undefined ? null : 'tonight';
  });
  protected readonly days = computed(() => {
    const venue = this.venue();
    const preset = this.preset();
    if (preset === null) return { from: this.from() as string, to: this.to() as string };
    if (venue === null) return null;
    return periodOf(preset, this.#session.serverClock.now(), venue);
  });
  protected readonly chosen = computed(() => this.queues()?.split(',') ?? []);

  protected readonly allQueues = resource({
    params: () => ({ venueId: this.venueId() }),
    loader: ({ params, abortSignal: signal }) =>
      Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listQueues', { params, query: { limit: 100, ...page }, signal }),
        ),
      ),
  });
  readonly #report = resource({
    params: () => {
      const days = this.days();
      const queues = this.queues();
      if (days === null) return undefined;
      const query = { ...days, ...(queues === undefined ? {} : { queues }) };
      return { venueId: this.venueId(), query };
    },
    loader: ({ params: { venueId, query }, abortSignal: signal }) =>
      this.#api.succeed('getVenueReport', { params: { venueId }, query, signal }),
  });
  protected readonly report = computed(() =>
    this.#report.hasValue() ? this.#report.value() : null,
  );
  protected readonly failure = this.#report.error;
  protected readonly isLoading = this.#report.isLoading;

  protected readonly isOneDay = computed(() => this.days()?.from === this.days()?.to);
  readonly #firstHour = computed(() => Number(this.venue()?.dayStartsAt.slice(0, 2) ?? 0));

  protected readonly figures = computed(() => {
    const report = this.report();
    if (report === null || report.joined === 0) return null;
    const words = this.#words();
    return {
      report,
      night: this.isOneDay() ? nightWaits(report, this.#firstHour(), words) : null,
      week: this.isOneDay() ? null : weekWaits(report, this.#firstHour(), words),
      byHour: countsByHour(report, this.#firstHour(), words),
      byWeekday: this.isOneDay() ? null : countsByWeekday(report, words),
      outcomes: outcomesOf(report, words),
      quotes: quotesOf(report, words),
    };
  });

  protected readonly periodWords = computed(() => {
    const days = this.days();
    if (days === null) return '';
    const { tag } = this.#reader();
    const names = [...new Set([days.from, days.to])].map((day) => dayWords(tag, day));
    return names.join(' – ');
  });
  protected readonly waitSeries = computed(() => [
    { name: this.text('half'), fill: 'solid' as const },
    { name: this.text('ofTen'), fill: 'hatch' as const },
  ]);
  protected readonly countSeries = computed(() => [
    { name: this.text('served'), fill: 'solid' as const },
    { name: this.text('noShow'), fill: 'cross' as const },
    { name: this.text('left'), fill: 'hatch' as const },
    { name: this.text('other'), fill: 'dots' as const },
  ]);
  protected readonly quoteNames = computed(() => ({
    expected: this.text('quoted'),
    actual: this.text('actual'),
    median: this.text('actualMedian'),
  }));

  protected minutes(seconds: number | null): string {
    if (seconds === null) return '–';
    return shortDuration(this.#reader(), Math.round(seconds / 60));
  }

  protected number(value: number): string {
    return numberFormat(this.#reader().tag, { maximumFractionDigits: 1 }).format(value);
  }

  protected percent(share: number | null): string {
    if (share === null) return '–';
    const format = numberFormat(this.#reader().tag, {
      style: 'percent',
      maximumFractionDigits: share < 0.1 ? 1 : 0,
    });
    return format.format(share);
  }

  protected accuracy({ coverage80, maeSeconds, tooLowShare }: VenueReport['quoted']): string {
    const minutes = this.number(minutesOf(maeSeconds ?? 0));
    const share = this.percent(tooLowShare);
    const calibration = this.text('calibration', { n: Math.round((coverage80 ?? 0) * 100) });
    return `${calibration} ${this.text('error', { minutes, share })}`;
  }

  /** The file of a chart: what it shows and when. */
  protected fileName(name: string): string {
    const days = this.days();
    return `${name}-${days?.from}-${days?.to}`;
  }

  protected retry(): void {
    this.#report.reload();
  }

  /** The queues of the address with one more or one less. */
  protected toggle(queueId: string, isChosen: boolean): void {
    const all = this.allQueues.value() ?? [];
    const before = this.chosen().length === 0 ? all.map(({ id }) => id) : this.chosen();
    const after = isChosen ? [...before, queueId] : before.filter((id) => id !== queueId);
    const isAll = after.length === 0 || all.every(({ id }) => after.includes(id));
    this.#go({ queues: isAll ? null : after.join(',') });
  }

  protected isCounted(queueId: string): boolean {
    return this.chosen().length === 0 || this.chosen().includes(queueId);
  }

  protected showOwn(event: Event, from: string, to: string): void {
    event.preventDefault();
    if (from === '' || to === '') return;
    const [first, last] = from <= to ? [from, to] : [to, from];
    this.#go({ period: null, from: first, to: last });
  }

  protected async saveParties(queueId: string): Promise<void> {
    const days = this.days();
    if (days === null) return;
    try {
      const file = await this.#api.succeed('exportParties', { params: { queueId }, query: days });
      download(`${this.fileName('parties')}.csv`, file as BlobPart, 'text/csv;charset=utf-8');
    } catch (error) {
      this.#toasts.show({ text: this.problemText(error) });
    }
  }

  #go(queryParams: Record<string, string | null>): void {
    void this.#router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }
}
