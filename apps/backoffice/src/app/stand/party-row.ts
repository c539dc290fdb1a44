import { CdkDragHandle } from '@angular/cdk/drag-drop';
import { CdkMenu, CdkMenuItem, CdkMenuTrigger } from '@angular/cdk/menu';
import { Component, computed, inject, input } from '@angular/core';
import { shortDuration, shortRange } from '@queue-manager/ui/durations';
import type { IconName } from '@queue-manager/ui/icons';
import { countdown, timeOfDay } from '@queue-manager/ui/words';
import type { Part, Row } from '../line/row.ts';
import { StaffNames } from '../live/names.ts';
import { injectPartyName } from '../live/party-name.ts';
import { Icon } from '../parts/icon.ts';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { type Move, StandActions } from './actions.ts';
import { texts } from './strings.ts';

/** How long a change of somebody else is pointed out. */
const freshMs = 20_000;

const mainOf = { waiting: 'call', called: 'seat', seated: 'depart', ended: 'restore' } as const;
const secondOf = { waiting: 'seat', called: 'noShow', seated: null, ended: null } as const;
const iconOf = {
  call: 'bell',
  seat: 'table',
  depart: 'signOut',
  noShow: 'close',
  remove: 'close',
  restore: 'undo',
} as const satisfies Record<Move, IconName>;

/** A party in a part of the line, with what one press does to it. */
@Component({
  selector: 'qm-party-row',
  imports: [CdkDragHandle, CdkMenu, CdkMenuItem, CdkMenuTrigger, Icon],
  templateUrl: './party-row.html',
  styleUrl: './party-row.css',
  host: {
    '[class.conflicted]': 'row().conflictId !== null',
    '[class.fresh]': 'change() !== null',
    '[class.pending]': 'row().isPending',
  },
})
export class PartyRow {
  readonly row = input.required<Row>();
  readonly part = input.required<Part>();
  readonly position = input.required<number>();
  /** By the server's clock, and by that of the device. */
  readonly now = input.required<number>();
  readonly deviceNow = input.required<number>();
  readonly canDrag = input(false);

  protected readonly text = injectText(texts);
  protected readonly actions = inject(StandActions);
  protected readonly iconOf = iconOf;
  protected readonly language = inject(ReaderLanguage);
  readonly #names = inject(StaffNames);
  readonly #nameOf = injectPartyName();

  protected readonly main = computed<Move>(() => mainOf[this.part()]);
  protected readonly second = computed<Move | null>(() => secondOf[this.part()]);
  /** What the menu offers, besides. */
  protected readonly others = computed(() => {
    const all: Move[] = ['call', 'seat', 'noShow', 'restore', 'remove'];
    return all.filter((move) => move !== this.main() && this.actions.may(move, this.row()));
  });
  protected readonly name = computed(() => this.#nameOf(this.row()));

  protected readonly since = computed(() => {
    const { joinedAt, seatedAt, endedAt } = this.row();
    const reader = this.language.reader();
    const ago = (at: string) => shortDuration(reader, (this.now() - Date.parse(at)) / 60_000);
    switch (this.part()) {
      case 'seated':
        return this.text('seatedFor', { time: ago(seatedAt ?? joinedAt) });
      case 'ended':
        return `${this.text(endTexts[this.row().state as keyof typeof endTexts])}, ${timeOfDay(reader, undefined, endedAt ?? joinedAt)}`;
      default:
        return this.text('waited', { time: ago(joinedAt) });
    }
  });
  protected readonly quoted = computed(() => {
    const { quoted } = this.row();
    if (quoted === null || this.part() !== 'waiting') return null;
    return this.text('quoted', { time: shortRange(this.language.reader(), quoted) });
  });
  protected readonly expected = computed(() => {
    const { estimate } = this.row();
    if (estimate === null || this.part() !== 'waiting') return null;
    return this.text('expected', { time: shortRange(this.language.reader(), estimate) });
  });

  protected readonly leftMs = computed(() => {
    const graceMs = (this.actions.queue()?.callGraceSeconds ?? 0) * 1_000;
    return Math.min(graceMs, Date.parse(this.row().calledAt ?? '') + graceMs - this.now());
  });
  protected readonly left = computed(() => countdown(this.leftMs()));

  /** The last message to the guest, as far as there is one to tell of. */
  protected readonly message = computed(() => {
    const { notifications, state, isPending, email } = this.row();
    if (isPending && state === 'called' && email !== null && this.actions.isOffline()) {
      return { text: this.text('cannotBeTold'), kind: 'warning' };
    }
    const last = [...notifications].sort((a, b) => a.at.localeCompare(b.at)).at(-1);
    if (last === undefined) return null;
    const kind = last.state === 'failed' ? 'danger' : last.state === 'done' ? 'ok' : '';
    return { text: this.text(messageTexts[last.state]), kind };
  });

  /** What somebody else did a moment ago. */
  protected readonly change = computed(() => {
    const { last, isPending } = this.row();
    if (last === null || last.isMine || isPending) return null;
    if (this.deviceNow() - last.heardAt > freshMs) return null;
    const what = changeTexts[last.type as keyof typeof changeTexts];
    return what === undefined
      ? null
      : this.text('changedBy', { what: this.text(what), who: this.#names.of(last.actor) });
  });
}

const endTexts = {
  departed: 'endedDeparted',
  no_show: 'endedNoShow',
  left: 'endedLeft',
  removed: 'endedRemoved',
} as const;

const messageTexts = {
  scheduled: 'messageUnderWay',
  running: 'messageUnderWay',
  done: 'messageSent',
  skipped: 'messageSkipped',
  failed: 'messageFailed',
} as const;

const changeTexts = {
  'party.joined': 'didJoin',
  'party.called': 'didCall',
  'party.confirmed': 'didConfirm',
  'party.seated': 'didSeat',
  'party.departed': 'didDepart',
  'party.no-show': 'didNoShow',
  'party.left': 'didLeave',
  'party.removed': 'didRemove',
  'party.restored': 'didRestore',
  'party.moved': 'didMove',
  'party.changed': 'didEdit',
  'party.undone': 'didUndo',
} as const;
