import {
  afterNextRender,
  Component,
  computed,
  DestroyRef,
  ElementRef,
  effect,
  Injector,
  inject,
  input,
  signal,
  untracked,
} from '@angular/core';
import { ageWords } from '@queue-manager/ui/words';
import { ConflictList } from '../live/conflict-list.ts';
import { LineBanner } from '../live/line-banner.ts';
import { StaffNames } from '../live/names.ts';
import { Presses } from '../live/presses.ts';
import { VenueLine } from '../live/venue-line.ts';
import { Heading } from '../parts/heading.ts';
import { Icon } from '../parts/icon.ts';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { injectNow } from '../parts/now.ts';
import { Session } from '../session/session.ts';
import { Venues } from '../session/venues.ts';
import { type Change, Changes } from './changes.ts';
import { HoldButton } from './hold-button.ts';
import { texts } from './strings.ts';

/** From here on, the door shows that the venue is about to be full. */
const nearlyFull = 0.9;

/** Counts people in and out. */
@Component({
  imports: [ConflictList, Heading, HoldButton, Icon, LineBanner],
  providers: [Changes],
  templateUrl: './door.html',
  styleUrl: './door.css',
  host: { class: 'fills', '[class.locked]': 'isLocked()', '(document:keydown)': 'pressed($event)' },
})
export class Door {
  readonly venueId = input.required<string>();
  protected readonly text = injectText(texts);
  protected readonly venueLine = inject(VenueLine);
  readonly #presses = inject(Presses);
  readonly #venues = inject(Venues);
  readonly #session = inject(Session);
  readonly #names = inject(StaffNames);
  readonly #changes = inject(Changes);
  protected readonly language = inject(ReaderLanguage);
  readonly #injector = inject(Injector);
  readonly #host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  readonly #now = injectNow(10_000, () => this.#session.serverClock.now());

  protected readonly isLocked = signal(false);
  protected readonly step = signal(1);
  protected readonly steps = [1, 2, 5, 10] as const;
  protected readonly occupancy = computed(() => this.venueLine.snapshot()?.occupancy ?? null);
  protected readonly isManager = computed(() => this.#venues.may(this.venueId(), 'manager'));
  protected readonly level = computed(() => {
    const occupancy = this.occupancy();
    if (occupancy?.capacity == null) return '';
    const share = occupancy.occupancy / occupancy.capacity;
    return share >= 1 ? 'full' : share >= nearlyFull ? 'near' : '';
  });
  protected readonly share = computed(() => {
    const { occupancy = 0, capacity = null } = this.occupancy() ?? {};
    return capacity === null ? 0 : Math.min(100, (occupancy / capacity) * 100);
  });
  protected readonly isRead = computed(() => this.#changes.read() !== null);
  protected readonly changes = computed(() => {
    const { asOf, changes } = this.#changes.read() ?? { asOf: 0, changes: [] };
    const userId = this.#session.account()?.id;
    const actor = { kind: 'staff' as const, ...(userId === undefined ? {} : { userId }) };
    const own = this.#presses.counts().filter(({ at }) => at > asOf);
    return [...own.map((count): Change => ({ ...count, partyId: null, actor })), ...changes];
  });
  #wakeLock: WakeLockSentinel | null = null;

  constructor() {
    effect(() => {
      const venueId = this.venueId();
      untracked(() => {
        void this.venueLine.open(venueId);
        void this.#names.read(venueId);
      });
    });
    effect(() => {
      if (this.occupancy() !== null) this.#changes.refresh(this.venueId());
    });
    const leave = () => {
      if (document.fullscreenElement === null && this.isLocked()) void this.#keepAwake();
    };
    document.addEventListener('fullscreenchange', leave);
    inject(DestroyRef).onDestroy(() => {
      document.removeEventListener('fullscreenchange', leave);
      this.unlock();
    });
  }

  protected async count(sign: 1 | -1): Promise<void> {
    if (this.isLocked()) return;
    const delta = sign * this.step();
    await this.#presses.press({ kind: 'count', delta }, this.isManager());
  }

  protected pressed(event: KeyboardEvent): void {
    const { target, key, ctrlKey, metaKey, altKey } = event;
    if (ctrlKey || metaKey || altKey || this.isLocked()) return;
    if ((target as HTMLElement).closest('input, select, textarea, [role=menu], [role=dialog]'))
      return;
    if (key === '+' || key === 'ArrowUp') void this.count(1);
    else if (key === '-' || key === 'ArrowDown') void this.count(-1);
    else if (key === 'u') this.#presses.undoLast();
    else return;
    event.preventDefault();
  }

  protected async lock(): Promise<void> {
    this.isLocked.set(true);
    setFrameInert(true);
    void this.#keepAwake();
    afterNextRender(() => this.#host.querySelector<HTMLElement>('.unlock button')?.focus(), {
      injector: this.#injector,
    });
    await document.documentElement.requestFullscreen?.().catch(() => {});
  }

  protected unlock(): void {
    if (!this.isLocked()) return;
    this.isLocked.set(false);
    setFrameInert(false);
    void this.#wakeLock?.release().catch(() => {});
    this.#wakeLock = null;
    if (document.fullscreenElement !== null) void document.exitFullscreen().catch(() => {});
    afterNextRender(() => this.#host.querySelector<HTMLElement>('.in')?.focus(), {
      injector: this.#injector,
    });
  }

  async #keepAwake(): Promise<void> {
    const lock = await navigator.wakeLock?.request('screen').catch(() => null);
    if (!this.isLocked()) void lock?.release();
    else this.#wakeLock = lock ?? null;
  }

  protected whose({ actor }: Change): string {
    return this.#names.of(actor);
  }

  protected ago({ at }: Change): string {
    return ageWords(this.language.reader(), Math.max(0, this.#now() - at));
  }

  protected signed(delta: number): string {
    return `${delta > 0 ? '+' : '−'}${this.language.number(Math.abs(delta))}`;
  }
}

/** Nothing around the door can be reached while it is locked. */
function setFrameInert(isInert: boolean): void {
  for (const element of document.querySelectorAll<HTMLElement>('.skip, .bar, .rail, .toasts')) {
    element.inert = isInert;
  }
}
