import {
  CdkMenu,
  CdkMenuGroup,
  CdkMenuItemCheckbox,
  CdkMenuItemRadio,
  CdkMenuTrigger,
} from '@angular/cdk/menu';
import {
  Component,
  computed,
  type ElementRef,
  effect,
  inject,
  input,
  type Signal,
  signal,
  untracked,
  viewChild,
  viewChildren,
} from '@angular/core';
import type { Part, Row } from '../line/row.ts';
import { ConflictList } from '../live/conflict-list.ts';
import { LineBanner } from '../live/line-banner.ts';
import { StaffNames } from '../live/names.ts';
import { VenueLine } from '../live/venue-line.ts';
import { Dialogs } from '../parts/dialogs.ts';
import { Empty } from '../parts/empty.ts';
import { Heading } from '../parts/heading.ts';
import { Icon } from '../parts/icon.ts';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { injectNow } from '../parts/now.ts';
import { Session } from '../session/session.ts';
import { type Move, StandActions } from './actions.ts';
import { CallNext } from './call-next.ts';
import {
  countFilters,
  filtered,
  isFiltered,
  noFilters,
  type Placed,
  sizeChoices,
} from './filters.ts';
import { PartyList } from './party-list.ts';
import { QueueStateMenu } from './queue-state.ts';
import { isCovered, isTyped, Shortcuts } from './shortcuts.ts';
import { texts } from './strings.ts';

const parts = ['waiting', 'called', 'seated', 'ended'] as const satisfies Part[];
const noRows: readonly Row[] = [];
const rowKeys: Record<string, Move> = {
  s: 'seat',
  x: 'noShow',
  d: 'depart',
  r: 'restore',
  Delete: 'remove',
};

/** The host's screen: a queue's line, live, and what one press does to it. */
@Component({
  imports: [
    CallNext,
    CdkMenu,
    CdkMenuGroup,
    CdkMenuItemCheckbox,
    CdkMenuItemRadio,
    CdkMenuTrigger,
    ConflictList,
    Empty,
    Heading,
    Icon,
    LineBanner,
    PartyList,
    QueueStateMenu,
  ],
  providers: [StandActions],
  templateUrl: './stand.html',
  styleUrl: './stand.css',
  host: {
    class: 'fills',
    '[attr.aria-busy]': 'venueLine.isLoading()',
    '[attr.data-part]': 'part()',
    '[attr.data-lower]': 'lower()',
    '(document:keydown)': 'pressed($event)',
  },
})
export class Stand {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly actions = inject(StandActions);
  protected readonly venueLine = inject(VenueLine);
  protected readonly language = inject(ReaderLanguage);
  readonly #session = inject(Session);
  readonly #dialogs = inject(Dialogs);
  readonly #keys = inject(Shortcuts);
  readonly #names = inject(StaffNames);
  private readonly search = viewChild<ElementRef<HTMLInputElement>>('search');
  private readonly lists = viewChildren(PartyList);

  protected readonly parts = parts;
  protected readonly lowers = ['seated', 'ended'] as const;
  protected readonly sizeChoices = sizeChoices;
  /** What a narrow screen shows, and what a wide one shows below those who are called. */
  protected readonly part = signal<Part>('waiting');
  protected readonly lower = signal<'seated' | 'ended'>('seated');
  protected readonly filters = signal(noFilters);
  protected readonly isFiltered = computed(() => isFiltered(this.filters()));
  protected readonly filterCount = computed(() => countFilters(this.filters()));
  protected readonly now = injectNow(1_000, () => this.#session.serverClock.now());
  protected readonly deviceNow = injectNow(5_000);
  /** Minutes are enough for those who are not called. */
  protected readonly minuteNow = injectNow(15_000, () => this.#session.serverClock.now());

  protected readonly view = this.actions.view;
  protected readonly isReady = computed(() => {
    const snapshot = this.venueLine.snapshot();
    if (snapshot === null) return false;
    return snapshot.queues.length > 0 || snapshot.connection !== 'loading';
  });
  protected readonly shown = {
    waiting: this.#shownOf('waiting'),
    called: this.#shownOf('called'),
    seated: this.#shownOf('seated'),
    ended: this.#shownOf('ended'),
  };
  protected readonly people = computed(() =>
    (this.view()?.waiting ?? []).reduce((sum, { size }) => sum + size, 0),
  );

  constructor() {
    effect(() => {
      const venueId = this.venueId();
      untracked(() => {
        this.actions.venueId.set(venueId);
        void this.venueLine.open(venueId);
        void this.#names.read(venueId);
      });
    });
  }

  /** The same array until the part or the filters change: a list that gets another one measures itself again. */
  #shownOf(part: Part): Signal<readonly Placed[]> {
    const rows = computed(() => this.view()?.[part] ?? noRows);
    return computed(() => filtered(rows(), this.filters()));
  }

  protected count(part: Part): number {
    return this.view()?.[part].length ?? 0;
  }

  protected choosePart(part: Part): void {
    this.part.set(part);
    if (part === 'seated' || part === 'ended') this.lower.set(part);
  }

  protected filter(changed: Partial<typeof noFilters>): void {
    this.filters.update((filters) => ({ ...filters, ...changed }));
  }

  protected clear(): void {
    this.filters.set(noFilters);
    this.search()?.nativeElement.focus();
  }

  protected help(): Promise<unknown> {
    return import('./shortcuts-dialog.ts').then(({ ShortcutsDialog }) =>
      this.#dialogs.open(ShortcutsDialog, undefined, { panelClass: ['dialog-panel', 'wide'] }),
    );
  }

  #focused(): Row | null {
    for (const list of this.lists()) {
      const row = list.focusedRow();
      if (row !== null) return row;
    }
    return null;
  }

  protected pressed(event: KeyboardEvent): void {
    if (event.key === 'Escape' && event.target === this.search()?.nativeElement) {
      this.clear();
      return;
    }
    if (!this.#keys.areOn() || event.defaultPrevented || isTyped(event) || isCovered()) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!this.#do(key, this.#focused())) return;
    event.preventDefault();
  }

  /** Does what a key says; returns whether it says something. */
  #do(key: string, row: Row | null): boolean {
    const move = rowKeys[key];
    const queue = this.actions.queues()[Number(key) - 1]?.queue;
    if (move !== undefined) {
      if (row !== null) this.actions.do(move, row);
    } else if (key === 'c') {
      if (row !== null && this.actions.may('call', row)) this.actions.do('call', row);
      else if (row === null && this.actions.next() !== null) this.actions.callNext();
    } else if (key === 'm') {
      if (row !== null) void this.actions.move(row);
    } else if (key === 'e') {
      if (row !== null) void this.actions.edit(row);
    } else if (key === 't') {
      if (row !== null) void this.actions.ticket(row);
    } else if (key === 'n') void this.actions.add();
    else if (key === 'u') this.actions.undo();
    else if (key === '/') this.search()?.nativeElement.select();
    else if (key === '?') void this.help();
    else if (queue !== undefined) this.actions.chooseQueue(queue.id);
    else if (key === 'ArrowDown' || key === 'ArrowUp') {
      const focused = document.activeElement;
      // A screen that has been opened gives its heading the focus.
      if (row !== null || !(focused === document.body || focused?.matches('h1'))) return false;
      this.lists()
        .find((list) => list.parties().length > 0)
        ?.focus();
    } else return false;
    return true;
  }
}
