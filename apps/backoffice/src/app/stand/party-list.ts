import { CdkDrag, type CdkDragDrop, CdkDropList } from '@angular/cdk/drag-drop';
import {
  CdkFixedSizeVirtualScroll,
  CdkVirtualForOf,
  CdkVirtualScrollViewport,
} from '@angular/cdk/scrolling';
import {
  afterNextRender,
  Component,
  DestroyRef,
  ElementRef,
  effect,
  Injector,
  inject,
  input,
  untracked,
  viewChild,
} from '@angular/core';
import { first, type Subscription } from 'rxjs';
import type { Part, Row } from '../line/row.ts';
import { StandActions } from './actions.ts';
import type { Placed } from './filters.ts';
import { PartyRow } from './party-row.ts';

/** As `.slot` has it. Read once: while the page changes, reading a style computes all of them. */
const rowPx = Math.round(
  5.5 * Number.parseFloat(getComputedStyle(document.documentElement).fontSize),
);

/** A part of the line. Only what is seen of it is in the page, so 2,000 parties scroll like 20. */
@Component({
  selector: 'qm-party-list',
  imports: [
    CdkDrag,
    CdkDropList,
    CdkFixedSizeVirtualScroll,
    CdkVirtualForOf,
    CdkVirtualScrollViewport,
    PartyRow,
  ],
  template: `
    <cdk-virtual-scroll-viewport
      role="list"
      cdkDropList
      cdkDropListLockAxis="y"
      [cdkDropListDisabled]="!canDrag()"
      [itemSize]="rowPx"
      [minBufferPx]="rowPx * 4"
      [maxBufferPx]="rowPx * 8"
      [attr.aria-label]="label()"
      (cdkDropListDropped)="dropped($event)"
      (keydown)="move($event)"
      (focusin)="remember($event)"
    >
      <div
        *cdkVirtualFor="let it of parties(); trackBy: keyOf; templateCacheSize: 0; let index = index"
        cdkDrag
        role="listitem"
        class="slot"
        tabindex="-1"
        [cdkDragData]="it.row"
        [attr.tabindex]="index === tabStop() ? 0 : -1"
        [attr.data-key]="it.row.key"
        [attr.aria-posinset]="index + 1"
        [attr.aria-setsize]="parties().length"
      >
        <qm-party-row
          [row]="it.row"
          [part]="part()"
          [position]="it.position"
          [now]="now()"
          [deviceNow]="deviceNow()"
          [canDrag]="canDrag()"
        />
      </div>
    </cdk-virtual-scroll-viewport>
  `,
  styles: `
    :host {
      display: grid;
      min-block-size: 0;
    }
    cdk-virtual-scroll-viewport {
      block-size: 100%;
      overscroll-behavior: contain;
    }
    .slot {
      /* Whole pixels: at half of one, the line below a row is cut off. */
      block-size: round(5.5rem, 1px);
      /* A change in one row does not lay out the others again. */
      contain: strict;
    }
    .slot:focus-visible {
      outline-offset: -3px;
    }
    .cdk-drag-preview {
      border-radius: var(--radius);
      overflow: hidden;
      box-shadow: 0 0.5rem 2rem rgb(0 0 0 / 0.3);
    }
    .cdk-drag-placeholder {
      opacity: 0.4;
    }
    @media (prefers-reduced-motion: no-preference) {
      .cdk-drag-animating,
      .cdk-drop-list-dragging .slot:not(.cdk-drag-placeholder) {
        transition: transform 0.15s ease-out;
      }
    }
  `,
})
export class PartyList {
  readonly parties = input.required<readonly Placed[]>();
  readonly part = input.required<Part>();
  readonly label = input.required<string>();
  readonly now = input.required<number>();
  readonly deviceNow = input.required<number>();
  readonly canDrag = input(false);

  readonly #actions = inject(StandActions);
  readonly #injector = inject(Injector);
  readonly #host = inject<ElementRef<HTMLElement>>(ElementRef).nativeElement;
  private readonly viewport = viewChild.required(CdkVirtualScrollViewport);
  protected readonly rowPx = rowPx;
  protected readonly keyOf = (_index: number, { row }: Placed) => row.key;
  #placed: readonly Placed[] = [];
  /** The row that Tab comes to, by its index. */
  #focused = 0;
  #hasFocus = false;
  /** A row that gets the focus when it is in the page. */
  #awaited: Subscription | null = null;

  constructor() {
    const resized = new ResizeObserver(() => this.viewport().checkViewportSize());
    afterNextRender(() => resized.observe(this.#host));
    inject(DestroyRef).onDestroy(() => {
      resized.disconnect();
      this.#awaited?.unsubscribe();
    });
    effect(() => {
      const parties = this.parties();
      untracked(() => this.#keepPlace(parties));
      // The row that had the focus may be gone: the one in its place gets it.
      if (untracked(() => this.#hasFocus)) {
        afterNextRender(() => this.#keepFocus(), { injector: this.#injector });
      }
    });
  }

  /** What the host looks at stays where it is when rows come and go above it. */
  #keepPlace(parties: readonly Placed[]): void {
    const before = this.#placed;
    this.#placed = parties;
    const offset = this.viewport().measureScrollOffset();
    const top = Math.floor(offset / rowPx);
    if (top === 0) return;
    const indexes = new Map(parties.map(({ row }, index) => [row.key, index]));
    for (const [index, { row }] of before.slice(top).entries()) {
      const now = indexes.get(row.key);
      if (now === undefined) continue;
      const moved = now - index - top;
      if (moved !== 0) this.viewport().scrollToOffset(offset + moved * rowPx);
      return;
    }
  }

  protected tabStop(): number {
    return Math.min(this.#focused, Math.max(0, this.parties().length - 1));
  }

  protected remember({ target }: FocusEvent): void {
    const key = (target as HTMLElement).closest('[data-key]')?.getAttribute('data-key');
    const index = this.parties().findIndex(({ row }) => row.key === key);
    if (index !== -1) this.#focused = index;
    this.#hasFocus = true;
  }

  /** The party of the row that has the focus. */
  focusedRow(): Row | null {
    const key = document.activeElement?.closest('[data-key]')?.getAttribute('data-key');
    return this.parties().find(({ row }) => row.key === key)?.row ?? null;
  }

  focus(): void {
    this.#focusIndex(this.tabStop());
  }

  protected move(event: KeyboardEvent): void {
    const last = this.parties().length - 1;
    const target = {
      ArrowDown: this.#focused + 1,
      ArrowUp: this.#focused - 1,
      PageDown: this.#focused + 8,
      PageUp: this.#focused - 8,
      Home: 0,
      End: last,
    }[event.key];
    if (target === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.#focusIndex(Math.min(Math.max(target, 0), last));
  }

  #focusIndex(index: number): void {
    const party = this.parties()[index];
    if (party === undefined) return;
    this.#focused = index;
    const slot = () =>
      this.#host.querySelector<HTMLElement>(`[data-key="${CSS.escape(party.row.key)}"]`);
    const top = index * rowPx;
    const from = this.viewport().measureScrollOffset();
    const height = this.viewport().getViewportSize();
    if (top < from) this.viewport().scrollToOffset(top);
    else if (top + rowPx > from + height) {
      this.viewport().scrollToOffset(top + rowPx - height);
    }
    this.#awaited?.unsubscribe();
    const found = slot();
    if (found !== null) found.focus({ preventScroll: true });
    else {
      // It is not in the page before the list has scrolled.
      const rendered = this.viewport().renderedRangeStream.pipe(
        first(({ start, end }) => start <= index && index < end),
      );
      this.#awaited = rendered.subscribe(() =>
        afterNextRender(() => slot()?.focus({ preventScroll: true }), { injector: this.#injector }),
      );
    }
  }

  #keepFocus(): void {
    const { activeElement } = document;
    if (activeElement === document.body || activeElement === null) {
      if (this.parties().length > 0) this.#focusIndex(this.tabStop());
    } else if (!this.#host.contains(activeElement)) {
      this.#hasFocus = false;
    }
  }

  protected dropped({ previousIndex, currentIndex, item }: CdkDragDrop<unknown>): void {
    if (previousIndex === currentIndex) return;
    const { start } = this.viewport().getRenderedRange();
    void this.#actions.move(item.data as Row, start + currentIndex + 1);
  }
}
