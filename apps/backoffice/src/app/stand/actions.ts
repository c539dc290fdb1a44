import { computed, Injectable, inject, signal } from '@angular/core';
import type { Lane } from '@queue-manager/contracts/parties';
import type { QueueView } from '../line/line-model.ts';
import { allows } from '../line/press.ts';
import type { Row } from '../line/row.ts';
import { Presses } from '../live/presses.ts';
import { VenueLine } from '../live/venue-line.ts';
import { Dialogs } from '../parts/dialogs.ts';
import { Venues } from '../session/venues.ts';
import { AddDialog } from './add-dialog.ts';
import { EditDialog } from './edit-dialog.ts';
import { MoveDialog } from './move-dialog.ts';
import { TicketDialog } from './ticket-dialog.ts';

/** What *Call next* looks for: a party that fits a table. */
export type Wanted = { maxSize: number | null; lane: Lane | null };
/** What one press does to a party. */
export type Move = 'call' | 'seat' | 'depart' | 'noShow' | 'remove' | 'restore';

/** The venue and the queue that the stand shows, and what can be done there. */
@Injectable()
export class StandActions {
  readonly #venueLine = inject(VenueLine);
  readonly #presses = inject(Presses);
  readonly #dialogs = inject(Dialogs);
  readonly #venues = inject(Venues);
  readonly venueId = signal('');
  readonly #chosenQueue = signal<string | null>(null);
  readonly wanted = signal<Wanted>({ maxSize: null, lane: null });

  readonly queues = computed(() => this.#venueLine.snapshot()?.queues ?? []);
  readonly view = computed<QueueView | null>(() => {
    const queues = this.queues();
    return queues.find(({ queue }) => queue.id === this.#chosenQueue()) ?? queues[0] ?? null;
  });
  readonly queue = computed(() => this.view()?.queue ?? null);
  readonly isManager = computed(() => this.#venues.may(this.venueId(), 'manager'));
  readonly isOffline = computed(() => this.#venueLine.snapshot()?.connection === 'offline');

  /** Who *Call next* would call. */
  readonly next = computed<Row | null>(() => {
    const { maxSize, lane } = this.wanted();
    const fits = (row: Row) =>
      row.size <= (maxSize ?? row.size) && row.lane === (lane ?? row.lane) && !row.conflictId;
    return this.view()?.waiting.find(fits) ?? null;
  });

  chooseQueue(id: string): void {
    this.#chosenQueue.set(id);
    this.wanted.set({ maxSize: null, lane: null });
  }

  may(move: Move | 'move', row: Row): boolean {
    return allows(move, row.state);
  }

  do(move: Move, row: Row): void {
    if (this.may(move, row))
      void this.#presses.press({ kind: move, party: row.key }, this.isManager());
  }

  callNext(): void {
    const queueId = this.queue()?.id;
    if (queueId === undefined) return;
    const { maxSize, lane } = this.wanted();
    void this.#presses.press({
      kind: 'callNext',
      queueId,
      ...(maxSize === null ? {} : { maxSize }),
      ...(lane === null ? {} : { lane }),
    });
  }

  undo(): void {
    this.#presses.undoLast();
  }

  async add(): Promise<void> {
    const queue = this.queue();
    if (queue !== null)
      await this.#dialogs.open(AddDialog, { queue }, { autoFocus: '[name=name]' });
  }

  async edit(row: Row): Promise<void> {
    const queue = this.queue();
    const mayOverride = this.isManager();
    if (queue === null) return;
    await this.#dialogs.open(EditDialog, { row, queue, mayOverride }, { autoFocus: '[name=name]' });
  }

  async ticket(row: Row): Promise<void> {
    await this.#dialogs.open(TicketDialog, { key: row.key }, { autoFocus: '.button.main' });
  }

  /** Asks where to, unless it is known, and why; then moves the party. */
  async move(row: Row, position: number | null = null): Promise<void> {
    const view = this.view();
    if (view === null || !this.may('move', row)) return;
    const from = view.waiting.findIndex(({ key }) => key === row.key) + 1;
    const data = { row, from, position, last: view.waiting.length };
    const answer = await this.#dialogs.open<{ position: number; reason: string }>(
      MoveDialog,
      data,
      { autoFocus: position === null ? '[name=position]' : '[name=reason]' },
    );
    if (answer === undefined) return;
    await this.#presses.press({ kind: 'move', party: row.key, ...answer });
  }
}
