import {
  Component,
  computed,
  DestroyRef,
  effect,
  inject,
  input,
  linkedSignal,
  resource,
  signal,
} from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { everyItem } from '@queue-manager/client/client';
import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import { timeOfDay } from '@queue-manager/ui/words';
import { VenueLine } from '../../live/venue-line.ts';
import { Empty } from '../../parts/empty.ts';
import { Field, Input } from '../../parts/field.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText, ReaderLanguage } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { Session } from '../../session/session.ts';
import { Venues } from '../../session/venues.ts';
import { addDays, dayOf, startOfDay } from '../night.ts';
import { PartyNames } from './party-names.ts';
import { type NightEvents, readNight, type Span } from './read-night.ts';
import { lineAt, movesOf, type PartyThen } from './replay.ts';
import { texts } from './strings.ts';
import { eventWords } from './words.ts';

const minuteMs = 60_000;
/** What happens is read this long after it, once for changes that follow each other. */
const pauseMs = 1_000;
/** As many are shown at first, and more at each press. */
const eventsShown = 60;
/** Of a long line, the front is shown, and more at each press. */
const partiesShown = 10;

/** What happened on a night, in words, and the line as it stood at any moment of it. */
@Component({
  imports: [Empty, Field, Heading, Icon, Input, RouterLink],
  providers: [PartyNames],
  host: { class: 'stack' },
  templateUrl: './history.html',
  styleUrl: './history.css',
})
export class History {
  readonly venueId = input.required<string>();
  /** Of the address: the queue, the business day, and the party if only its own history is shown. */
  readonly queue = input<string>();
  readonly night = input<string>();
  readonly party = input<string>();

  protected readonly text = injectText(texts);
  protected readonly problemText = injectProblemText();
  protected readonly names = inject(PartyNames);
  readonly #api = inject(Api);
  readonly #session = inject(Session);
  readonly #router = inject(Router);
  readonly #venues = inject(Venues);
  readonly #venueLine = inject(VenueLine);
  readonly #reader = inject(ReaderLanguage).reader;
  protected readonly venue = computed(() => this.#venues.find(this.venueId()));
  protected readonly timezone = computed(() => this.venue()?.timezone ?? 'UTC');

  protected readonly queues = resource({
    params: () => ({ venueId: this.venueId() }),
    loader: ({ params, abortSignal: signal }) =>
      Array.fromAsync(
        everyItem((page) =>
          this.#api.succeed('listQueues', { params, query: { limit: 100, ...page }, signal }),
        ),
      ),
  });
  protected readonly queueId = computed(() => {
    const known = this.queues.hasValue() ? this.queues.value() : [];
    return this.queue() ?? known[0]?.id ?? null;
  });
  protected readonly today = computed(() => {
    const venue = this.venue();
    return venue === null ? null : dayOf(this.#session.serverClock.now(), venue);
  });
  protected readonly day = computed(() => this.night() ?? this.today());

  protected readonly events = resource({
    params: () => {
      const [venue, queueId, day] = [this.venue(), this.queueId(), this.day()];
      if (venue === null || queueId === null || day === null) return undefined;
      const [from, to] = [startOfDay(day, venue), startOfDay(addDays(day, 1), venue)];
      return { queueId, from, to };
    },
    loader: async ({ params, abortSignal }) => {
      const { queueId, from } = params;
      const known = this.#read?.of === params ? this.#read.night : undefined;
      const [night] = await Promise.all([
        readNight(this.#api, params, abortSignal, known),
        known ?? this.names.readLatest(queueId, from, abortSignal),
      ]);
      this.#read = { of: params, night };
      return night;
    },
  });
  #read: { of: Span; night: NightEvents } | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #loaded = computed(() => (this.events.hasValue() ? this.events.value() : null));
  protected readonly failure = computed(() => this.queues.error() ?? this.events.error());
  readonly #moves = computed(() => {
    const loaded = this.#loaded();
    return loaded === null ? null : movesOf(loaded.events, loaded.others);
  });

  /** The first and the last minute in which something happened. */
  protected readonly range = computed(() => {
    const events = this.#loaded()?.events ?? [];
    const [first, last] = [events[0], events.at(-1)];
    if (first === undefined || last === undefined) return null;
    const minuteOf = (time: string) => Math.floor(Date.parse(time) / minuteMs) * minuteMs;
    return { from: minuteOf(first.time), to: minuteOf(last.time) + minuteMs };
  });
  /**
   * What the slider shows; at first the middle of the night, where the line is at its longest as a rule. At the end it
   * stays there while more happens.
   */
  protected readonly moment = linkedSignal<ReturnType<typeof this.range>, number>({
    source: this.range,
    computation: (range, before) => {
      if (range === null) return 0;
      if (before?.source != null) {
        return before.value === before.source.to ? range.to : before.value;
      }
      return Math.floor((range.from + range.to) / 2 / minuteMs) * minuteMs;
    },
  });
  protected readonly partyLimit = signal(partiesShown);
  protected readonly parts = computed(() => {
    const loaded = this.#loaded();
    if (loaded === null) return null;
    const line = lineAt(loaded.events, this.moment(), loaded.others);
    return (['waiting', 'called', 'seated'] as const).map((name) => ({
      name,
      count: line[name].length,
      parties: line[name].slice(0, this.partyLimit()),
    }));
  });

  protected readonly wanted = signal('');
  protected readonly limit = signal(eventsShown);
  /** The latest first. */
  readonly #told = computed(() => {
    const events = this.#loaded()?.events ?? [];
    let queueBefore: NamedHistoryEvent['queue'] = null;
    return events
      .map((event) => {
        const told = { event, queueBefore };
        queueBefore = event.queue ?? queueBefore;
        return told;
      })
      .reverse();
  });
  protected readonly found = computed(() => {
    const party = this.party();
    const wanted = this.wanted().trim().toLocaleLowerCase();
    return this.#told().filter(({ event }) => {
      if (party !== undefined && event.partyId !== party) return false;
      if (wanted === '') return true;
      const name = event.partyId === null ? '' : (this.names.of(event.partyId) ?? '');
      return (
        String(event.party?.number ?? '') === wanted ||
        name.toLocaleLowerCase().includes(wanted) ||
        (event.actorName ?? '').toLocaleLowerCase().includes(wanted)
      );
    });
  });
  protected readonly shown = computed(() => this.found().slice(0, this.limit()));

  constructor() {
    effect(() => void this.#venueLine.open(this.venueId()));
    inject(DestroyRef).onDestroy(() => clearTimeout(this.#timer));
    const live = computed(() => {
      const snapshot = this.#venueLine.snapshot();
      if (snapshot?.connection !== 'live' || this.day() !== this.today()) return null;
      return snapshot.queues.find(({ queue }) => queue.id === this.queueId()) ?? null;
    });
    effect(() => {
      if (live() === null || this.#timer !== undefined) return;
      this.#timer = setTimeout(() => {
        this.#timer = undefined;
        this.events.reload();
      }, pauseMs);
    });
    effect(() => {
      const ofEvents = this.shown().map(({ event }) => event.partyId);
      const ofLine = this.parts()?.flatMap(({ parties }) => parties.map(({ id }) => id)) ?? [];
      // A search is for names.
      const all = this.wanted() === '' ? [] : this.#told().map(({ event }) => event.partyId);
      const ids = [...ofLine, ...ofEvents, ...all];
      this.names.read(new Set(ids.filter((id) => id !== null)));
    });
  }

  protected nameOf(party: { id: string; number: number }): string {
    return this.names.of(party.id) ?? this.text('number', { n: party.number });
  }

  protected partyName(event: NamedHistoryEvent): string {
    const { partyId, party } = event;
    if (partyId === null || party === null) return '';
    return this.nameOf({ id: partyId, number: party.number });
  }

  /** The name of the party whose history is shown. */
  protected readonly chosenName = computed(() => {
    const id = this.party();
    const event = this.#told().find(({ event }) => event.partyId === id)?.event;
    return id === undefined || event === undefined ? null : this.partyName(event);
  });

  protected words({ event, queueBefore }: ReturnType<typeof this.found>[number]): string {
    return eventWords(event, {
      text: this.text,
      reader: this.#reader(),
      timezone: this.timezone(),
      party: this.partyName(event),
      move: this.#moves()?.get(event.seq),
      queueBefore,
    });
  }

  protected time(at: number | string): string {
    return timeOfDay(this.#reader(), this.timezone(), at);
  }

  protected isPriority({ lane }: PartyThen): boolean {
    return lane === 'priority';
  }

  protected chooseMoment(value: string): void {
    this.moment.set(Number(value));
  }

  /** To the line just after the event before this moment, or after the next. */
  protected step(direction: -1 | 1): void {
    const times = this.#loaded()?.events.map(({ time }) => Date.parse(time)) ?? [];
    const moment = this.moment();
    const next =
      direction === 1
        ? times.find((time) => time > moment)
        : times.findLast((time) => time < moment);
    if (next !== undefined) this.moment.set(next);
  }

  protected showLineAt(time: string, slider: HTMLInputElement): void {
    this.moment.set(Date.parse(time));
    slider.focus();
    slider.scrollIntoView({ block: 'center' });
  }

  protected go(queryParams: Record<string, string | null>): void {
    this.limit.set(eventsShown);
    void this.#router.navigate([], { queryParams, queryParamsHandling: 'merge' });
  }

  protected goToNight(count: number): void {
    const day = this.day();
    if (day !== null) this.go({ night: addDays(day, count), party: null });
  }

  protected retry(): void {
    if (this.queues.error() !== undefined) this.queues.reload();
    else this.events.reload();
  }

  protected moreParties(): void {
    this.partyLimit.update((limit) => limit + 4 * partiesShown);
  }

  protected more(): void {
    this.limit.update((limit) => limit + eventsShown);
  }
}
