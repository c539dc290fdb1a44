import { Component, computed, inject, input } from '@angular/core';
import { timeOfDay } from '@queue-manager/ui/words';
import type { Conflict } from '../line/line-model.ts';
import { canRepeat } from '../line/open-line.ts';
import { Dialogs } from '../parts/dialogs.ts';
import { Icon } from '../parts/icon.ts';
import { injectText, ReaderLanguage } from '../parts/language.ts';
import { injectCodeText } from '../session/problem-text.ts';
import { StaffNames } from './names.ts';
import { OverrideDialog } from './override-dialog.ts';
import { Presses } from './presses.ts';
import { texts } from './strings.ts';
import { VenueLine } from './venue-line.ts';

/** Presses that the server has refused: what the host did, how it is now, and the host's decision. */
@Component({
  selector: 'qm-conflict-list',
  imports: [Icon],
  template: `
    @if (conflicts().length > 0) {
      <section class="conflicts" role="alert" aria-labelledby="conflicts">
        <h2 id="conflicts">
          <qm-icon name="warning" /> {{ text('conflicts', { n: conflicts().length }) }}
        </h2>
        <ul class="stack-close">
          @for (conflict of conflicts(); track conflict.press.id) {
            <li class="conflict">
              <dl>
                <div>
                  <dt>{{ text('yourPress', { time: timeOf(conflict.press.at) }) }}</dt>
                  <dd>{{ did(conflict) }}</dd>
                </div>
                <div>
                  <dt>{{ text('meanwhile') }}</dt>
                  <dd>{{ meanwhile(conflict) }}</dd>
                </div>
              </dl>
              @if (conflict.behind.length > 0) {
                <p class="small muted">{{ text('behind', { n: conflict.behind.length }) }}</p>
              }
              <div class="row">
                @if (canRepeat(conflict)) {
                  <button type="button" class="button" (click)="repeat(conflict)">
                    {{ text('doAnyway') }}
                  </button>
                }
                <button type="button" class="button" (click)="drop(conflict)">
                  {{ text('leaveIt') }}
                </button>
              </div>
            </li>
          }
        </ul>
      </section>
    }
  `,
  styles: `
    :host {
      display: contents;
    }
    .conflicts {
      display: grid;
      gap: var(--space-2);
      padding: var(--space-3) var(--space-4);
      border: 2px solid var(--danger);
      border-radius: var(--radius);
      background: var(--surface);
      /* The line below stays in sight after a long night without network. */
      flex: none;
      max-block-size: 40dvb;
      overflow-y: auto;
    }
    h2 {
      display: flex;
      gap: var(--space-2);
      align-items: center;
      font-size: var(--large);
    }
    .conflict {
      display: flex;
      flex-wrap: wrap;
      gap: var(--space-3) var(--space-5);
      align-items: center;
      justify-content: space-between;
      padding-block-start: var(--space-3);
      border-block-start: 1px solid var(--line);
    }
    dl {
      display: flex;
      flex: 1 1 14rem;
      flex-wrap: wrap;
      gap: var(--space-2) var(--space-5);
    }
    dl > div {
      flex: 1 1 12rem;
    }
    dt {
      color: var(--muted);
      font-size: var(--small);
    }
    .row {
      flex-wrap: nowrap;
      gap: var(--space-2);
    }
    .button {
      flex: 1 1 auto;
      padding-inline: var(--space-3);
    }
    @media (max-width: 30rem) {
      .conflicts {
        max-block-size: 45dvb;
      }
      h2 {
        font-size: var(--body);
      }
      .button {
        padding-inline: var(--space-2);
        font-size: var(--small);
      }
    }
    dd {
      font-weight: 600;
      overflow-wrap: anywhere;
    }
  `,
})
export class ConflictList {
  /** Whether the account may go beyond the venue's capacity. */
  readonly mayOverride = input(false);
  protected readonly text = injectText(texts);
  protected readonly canRepeat = canRepeat;
  readonly #language = inject(ReaderLanguage);
  readonly #names = inject(StaffNames);
  readonly #presses = inject(Presses);
  readonly #dialogs = inject(Dialogs);
  readonly #codeText = injectCodeText();
  readonly #venueLine = inject(VenueLine);
  protected readonly conflicts = computed(() => this.#venueLine.snapshot()?.conflicts ?? []);

  protected timeOf(at: number): string {
    return timeOfDay(this.#language.reader(), undefined, at);
  }

  protected did({ press: { id, action, saw, party } }: Conflict): string {
    return this.#presses.wordsOf(action, saw, party ?? id);
  }

  protected meanwhile({ press: { refusal, party } }: Conflict): string {
    const row = party === null ? undefined : this.#venueLine.row(party);
    const code = refusal?.code ?? null;
    const now = refusal?.now ?? null;
    if (now === null || (code !== 'party-changed' && code !== 'invalid-transition')) {
      return this.#codeText(code);
    }
    const state = this.text(stateTexts[now.state]);
    const last = row?.last ?? null;
    if (last === null || last.isMine) return state;
    return this.text('stateBy', { state, who: this.#names.of(last.actor) });
  }

  protected async repeat({ press }: Conflict): Promise<void> {
    const line = this.#venueLine.line();
    if (press.refusal?.code !== 'venue-full') return line?.resolve(press.id, 'repeat');
    // The venue may have room by now; a manager may go beyond it.
    if (!this.mayOverride()) return line?.resolve(press.id, 'repeat');
    const reason = await this.#dialogs.open<string>(OverrideDialog, undefined, {
      autoFocus: 'input',
    });
    if (reason !== undefined) await line?.resolve(press.id, 'repeat', { override: true, reason });
  }

  protected drop({ press }: Conflict): void {
    void this.#venueLine.line()?.resolve(press.id, 'drop');
  }
}

const stateTexts = {
  waiting: 'isWaiting',
  called: 'isCalled',
  seated: 'isSeated',
  departed: 'isDeparted',
  no_show: 'isNoShow',
  left: 'isLeft',
  removed: 'isRemoved',
} as const;
