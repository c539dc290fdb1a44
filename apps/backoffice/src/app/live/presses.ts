import { ApplicationRef, Injectable, inject, signal } from '@angular/core';
import type { Doing, NotPressed, Pressed } from '../line/open-line.ts';
import type { Action } from '../line/press.ts';
import type { Row } from '../line/row.ts';
import { Dialogs } from '../parts/dialogs.ts';
import { injectText } from '../parts/language.ts';
import { Toasts } from '../parts/toasts.ts';
import { injectCodeText } from '../session/problem-text.ts';
import { Session } from '../session/session.ts';
import { OverrideDialog } from './override-dialog.ts';
import { injectPartyName } from './party-name.ts';
import { texts } from './strings.ts';
import { VenueLine } from './venue-line.ts';

const undoMs = 10_000;
const countsMax = 30;

/** A count at the door that was made on this device. */
export type Count = { id: string; delta: number; reason: string | null; at: number };
type Overridable = Extract<Doing, { kind: 'seat' | 'edit' | 'count' }>;

/** Takes what a host presses: shows what has happened, and lets them take it back. */
@Injectable({ providedIn: 'root' })
export class Presses {
  readonly #app = inject(ApplicationRef);
  readonly #venueLine = inject(VenueLine);
  readonly #session = inject(Session);
  readonly #toasts = inject(Toasts);
  readonly #dialogs = inject(Dialogs);
  readonly #text = injectText(texts);
  readonly #codeText = injectCodeText();
  readonly #nameOf = injectPartyName();
  readonly #counts = signal<readonly Count[]>([]);
  /** What was counted in this tab, the last first. */
  readonly counts = this.#counts.asReadonly();
  #last: { pressed: Pressed; until: number; close(): void } | null = null;

  /**
   * Does it, and offers to undo it.
   *
   * @param mayOverride whether the account may go beyond the venue's capacity
   * @param covered settles when what covers the screen has gone: undoing is offered from then on
   */
  async press(
    doing: Doing,
    mayOverride = false,
    covered?: Promise<unknown>,
  ): Promise<Pressed | null> {
    const pressed = this.#venueLine.line()?.press(doing) ?? 'not-found';
    if (typeof pressed !== 'string') {
      this.#noteCount(pressed);
      if (covered === undefined) this.#offerUndo(pressed);
      else void covered.then(() => this.#offerUndo(pressed));
      this.#show();
      return pressed;
    }
    if (pressed === 'venue-full' && mayOverride && 'override' in doing === false) {
      const reason = await this.#dialogs.open<string>(OverrideDialog, undefined, {
        autoFocus: 'input',
      });
      if (reason === undefined) return null;
      return this.press({ ...(doing as Overridable), override: true, reason });
    }
    this.#refused(pressed);
    return null;
  }

  /** Takes the last press back, as long as it is offered. */
  undoLast(): void {
    const last = this.#last;
    if (last === null || last.until < Date.now()) return;
    last.close();
    this.#undo(last.pressed);
  }

  #offerUndo(pressed: Pressed): void {
    // Counts follow each other quickly, and the other button takes one back, too.
    if (pressed.action.kind === 'count' && this.#last?.pressed.action.kind === 'count') {
      this.#last.close();
    }
    const close = this.#toasts.show({
      text: () => this.said(pressed),
      action: { text: this.#text('undo'), run: () => this.#undo(pressed) },
      ms: undoMs,
    });
    this.#last = { pressed, until: Date.now() + undoMs, close };
    pressed.saved.catch(() => {
      close();
      this.#toasts.show({ text: this.#text('notStored') });
    });
  }

  /** Before the next frame, not within it: browsers put off timers after a press, so Angular would wait for the frame. */
  #show(): void {
    queueMicrotask(() => this.#app.tick());
  }

  #noteCount({ id, action }: Pressed): void {
    if (action.kind !== 'count') return;
    const { delta, reason = null } = action;
    const count: Count = { id, delta, reason, at: this.#session.serverClock.now() };
    this.#counts.update((counts) => [count, ...counts].slice(0, countsMax));
  }

  #undo(pressed: Pressed): void {
    if (this.#last?.pressed === pressed) this.#last = null;
    const undone = this.#venueLine.line()?.undo(pressed) ?? 'not-found';
    if (typeof undone === 'string') {
      this.#toasts.show({ text: this.#codeText('cannot-undo') });
      return;
    }
    this.#noteCount(undone);
    this.#toasts.show({ text: this.#text('undone') });
    this.#show();
    undone.saved.catch(() => this.#toasts.show({ text: this.#text('notStored') }));
  }

  #refused(why: NotPressed): void {
    this.#toasts.show({
      text: why === 'venue-full' ? this.#text('fullForHosts') : this.#codeText(why),
    });
  }

  /** What a press has done, in words. Follows the name of its party. */
  said({ action, before, party }: Pressed): string {
    return this.wordsOf(action, before, party);
  }

  /** @param before the party as it was; `party` is the key of its row. */
  wordsOf(
    action: Action,
    before: Pick<Row, 'name' | 'number' | 'state'> | null,
    party: string | null,
  ): string {
    const row = party === null ? undefined : this.#venueLine.row(party);
    const name = this.#nameOf({
      name: before?.name ?? row?.name ?? null,
      number: row?.number ?? before?.number ?? null,
    });
    switch (action.kind) {
      case 'add':
        return this.#text('saidAdd', { name: action.name });
      case 'count':
        return this.#text(action.delta > 0 ? 'saidIn' : 'saidOut', { n: Math.abs(action.delta) });
      case 'undo':
        return this.#text('saidUndo', { name });
      case 'call':
        return this.#text(before?.state === 'called' ? 'saidCallAgain' : 'saidCall', { name });
      default:
        return this.#text(saidOf[action.kind], { name });
    }
  }
}

const saidOf = {
  seat: 'saidSeat',
  depart: 'saidDepart',
  noShow: 'saidNoShow',
  remove: 'saidRemove',
  restore: 'saidRestore',
  move: 'saidMove',
  edit: 'saidEdit',
} as const;
