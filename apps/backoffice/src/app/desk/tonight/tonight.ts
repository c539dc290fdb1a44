import {
  Component,
  computed,
  DestroyRef,
  effect,
  inject,
  input,
  resource,
  signal,
  untracked,
} from '@angular/core';
import { RouterLink } from '@angular/router';
import type { VenueQueue } from '@queue-manager/contracts/live';
import type { Estimate } from '@queue-manager/contracts/values';
import { shortDuration } from '@queue-manager/ui/durations';
import { numberFormat } from '@queue-manager/ui/formats';
import { waitWords } from '@queue-manager/ui/words';
import type { QueueView } from '../../line/line-model.ts';
import { LineBanner } from '../../live/line-banner.ts';
import { VenueLine } from '../../live/venue-line.ts';
import { Empty } from '../../parts/empty.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { Session } from '../../session/session.ts';
import { Venues } from '../../session/venues.ts';
import { dayOf, dayWords } from '../night.ts';
import { texts } from './strings.ts';
import { type Totals, totalsOf } from './totals.ts';

const minuteMs = 60_000;
/** How often waits are counted anew. */
const tickMs = 10_000;
/** What the line does not tell is read again this long after a change, and now and then. */
const pauseMs = 1_500;
const idleMs = 60_000;

/** The venue at a glance, live. */
@Component({
  imports: [Empty, Heading, Icon, LineBanner, RouterLink],
  host: { class: 'stack' },
  templateUrl: './tonight.html',
  styleUrls: ['../numbers.css', './tonight.css'],
})
export class Tonight {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #api = inject(Api);
  readonly #clock = inject(Session).serverClock;
  readonly #venues = inject(Venues);
  protected readonly venueLine = inject(VenueLine);
  readonly #reader = inject(ReaderLanguage).reader;
  readonly #now = signal(this.#clock.now());
  #timer: ReturnType<typeof setTimeout> | undefined;

  protected readonly snapshot = this.venueLine.snapshot;
  protected readonly isLive = computed(() => this.snapshot()?.connection === 'live');
  protected readonly queues = computed(() => this.snapshot()?.queues ?? null);
  /** Null until all parties have been read once. */
  protected readonly totals = computed(() => this.#totalsOf(this.queues() ?? []));
  protected readonly lines = computed(() =>
    (this.queues() ?? []).map((view) => ({ queue: view.queue, totals: this.#totalsOf([view]) })),
  );
  protected readonly occupancy = computed(() => this.snapshot()?.occupancy ?? null);
  protected readonly isEmpty = computed(() => this.isLive() && this.queues()?.length === 0);
  /** Of 100; null if there is no limit. */
  protected readonly filled = computed(() => {
    const occupancy = this.occupancy();
    if (occupancy === null || occupancy.capacity === null) return null;
    return Math.min(100, (occupancy.occupancy / occupancy.capacity) * 100);
  });
  protected readonly day = computed(() => {
    const venue = this.#venues.find(this.venueId());
    return venue === null ? '' : dayWords(this.#reader().tag, dayOf(this.#now(), venue));
  });

  /** Of the business day so far. */
  protected readonly report = resource({
    params: () => ({ venueId: this.venueId() }),
    loader: ({ params, abortSignal: signal }) =>
      this.#api.succeed('getVenueReport', { params, signal }),
  });
  protected readonly counted = computed(() =>
    this.report.hasValue() ? this.report.value() : null,
  );
  protected readonly abandoned = computed(
    () => this.counted()?.perHour.reduce((sum, { abandoned }) => sum + abandoned, 0) ?? null,
  );
  readonly #joinCodes = computed(
    () =>
      this.queues()
        ?.map(({ queue }) => queue.joinCode)
        .join() ?? '',
  );
  readonly #estimates = resource({
    params: () => this.#joinCodes(),
    loader: async ({ params, abortSignal: signal }) => {
      const codes = params === '' ? [] : params.split(',');
      const read = async (joinCode: string): Promise<[string, Estimate | null]> => {
        const options = { params: { joinCode }, query: { size: 2 }, signal };
        const answer = await this.#api.callPublic('getJoinPage', options);
        return [joinCode, answer.ok ? answer.body.estimate : null];
      };
      return new Map(await Promise.all(codes.map(read)));
    },
  });

  constructor() {
    effect(() => void this.venueLine.open(this.venueId()));
    const ticking = setInterval(() => this.#now.set(this.#clock.now()), tickMs);
    const idling = setInterval(() => this.#readLater(), idleMs);
    inject(DestroyRef).onDestroy(() => {
      clearInterval(ticking);
      clearInterval(idling);
      clearTimeout(this.#timer);
    });
    const changes = computed(
      () =>
        this.snapshot()
          ?.queues.map(({ queue, seated, ended }) => [
            queue.state,
            queue.waiting,
            queue.called,
            seated.length,
            ended.length,
          ])
          ?.join() ?? '',
    );
    effect(() => {
      changes();
      untracked(() => {
        this.#now.set(this.#clock.now());
        this.#readLater();
      });
    });
  }

  /** Once for changes that follow each other. */
  #readLater(): void {
    if (this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.report.reload();
      this.#estimates.reload();
    }, pauseMs);
  }

  #totalsOf(queues: readonly QueueView[]): Totals | null {
    return (this.snapshot()?.asOf ?? null) === null ? null : totalsOf(queues);
  }

  protected number(value: number | null): string {
    return value === null ? '–' : numberFormat(this.#reader().tag).format(value);
  }

  protected waited(since: number | null): string {
    if (since === null) return '–';
    return shortDuration(this.#reader(), (this.#now() - since) / minuteMs);
  }

  protected estimate({ joinCode, state }: VenueQueue): string {
    if (state !== 'open') return this.text('noEstimate');
    const estimates = this.#estimates.hasValue() ? this.#estimates.value() : null;
    const estimate = estimates?.get(joinCode) ?? null;
    if (estimate === null) return this.text('unknown');
    return waitWords(this.#reader(), estimate).about;
  }
}
