import { CdkMenu, CdkMenuGroup, CdkMenuItemRadio, CdkMenuTrigger } from '@angular/cdk/menu';
import { Component, computed, inject } from '@angular/core';
import { injectPartyName } from '../live/party-name.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { StandActions } from './actions.ts';
import { texts } from './strings.ts';

/** Calls the first party that fits, and says which that is. */
@Component({
  selector: 'qm-call-next',
  imports: [CdkMenu, CdkMenuGroup, CdkMenuItemRadio, CdkMenuTrigger, Icon],
  template: `
    <button
      type="button"
      class="button main next"
      [attr.aria-disabled]="actions.next() === null"
      (click)="actions.next() && actions.callNext()"
    >
      <qm-icon name="bell" />
      <span class="label">
        <span class="what">{{ text('callNext') }}</span>
        <span class="who">{{ who() }}</span>
      </span>
    </button>
    <button type="button" class="button options" [cdkMenuTriggerFor]="menu">
      <span [class.any]="!isChoosy()">{{ wanted() }}</span>
      <qm-icon name="down" />
      <span class="hidden">{{ text('callOptions') }}</span>
    </button>
    <ng-template #menu>
      <div cdkMenu class="menu">
        <div cdkMenuGroup [attr.aria-label]="text('table')">
          @for (size of sizes; track size) {
            <button
              cdkMenuItemRadio
              type="button"
              class="menu-item"
              [cdkMenuItemChecked]="actions.wanted().maxSize === size"
              (cdkMenuItemTriggered)="choose({ maxSize: size })"
            >
              <qm-icon [name]="actions.wanted().maxSize === size ? 'check' : 'table'" />
              {{ size === null ? text('anySize') : text('upTo', { size }) }}
            </button>
          }
        </div>
        <div cdkMenuGroup class="group" [attr.aria-label]="text('lane')">
          @for (lane of lanes; track lane) {
            <button
              cdkMenuItemRadio
              type="button"
              class="menu-item"
              [cdkMenuItemChecked]="actions.wanted().lane === lane"
              (cdkMenuItemTriggered)="choose({ lane })"
            >
              <qm-icon [name]="actions.wanted().lane === lane ? 'check' : 'people'" />
              {{ text(lane === null ? 'anyLane' : lane === 'priority' ? 'priorityOnly' : 'regularOnly') }}
            </button>
          }
        </div>
      </div>
    </ng-template>
  `,
  styles: `
    :host {
      display: flex;
      gap: 1px;
      min-inline-size: 0;
    }
    .next {
      flex: 1;
      min-block-size: 4rem;
      min-inline-size: 0;
      justify-content: start;
      border-start-end-radius: 0;
      border-end-end-radius: 0;
      text-align: start;
    }
    .next qm-icon {
      font-size: 1.375rem;
    }
    .label {
      display: grid;
      min-inline-size: 0;
      font-size: var(--large);
      line-height: 1.25;
    }
    .what,
    .who {
      overflow: hidden;
      text-overflow: ellipsis;
      white-space: nowrap;
    }
    .who {
      font-size: var(--small);
      font-weight: 500;
    }
    @container part (inline-size < 28rem) {
      .next {
        padding-inline: var(--space-4) var(--space-2);
      }
      .label {
        font-size: 1.125rem;
      }
      .who {
        white-space: normal;
      }
      .any {
        position: absolute;
        inline-size: 1px;
        block-size: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
      .next qm-icon {
        display: none;
      }
      .options {
        gap: var(--space-1);
        padding-inline: var(--space-3);
        font-size: var(--small);
      }
    }
    .options {
      flex: none;
      padding-inline: var(--space-4);
      border-color: transparent;
      border-start-start-radius: 0;
      border-end-start-radius: 0;
      background: var(--accent);
      color: var(--on-accent);
    }
    .options:hover {
      background: var(--accent);
      box-shadow: 0 0 0 3px color-mix(in srgb, var(--accent-text) 45%, transparent);
    }
    .group {
      margin-block-start: var(--space-2);
      padding-block-start: var(--space-2);
      border-block-start: 1px solid var(--line);
    }
  `,
})
export class CallNext {
  protected readonly text = injectText(texts);
  protected readonly actions = inject(StandActions);
  readonly #nameOf = injectPartyName();
  protected readonly sizes = [null, 2, 4, 6, 8] as const;
  protected readonly lanes = [null, 'priority', 'regular'] as const;

  protected readonly who = computed(() => {
    const next = this.actions.next();
    if (next === null) return this.text('nobody');
    const name = this.#nameOf(next);
    // Names have directions of their own.
    return this.text('nextIs', { name: `\u2068${name}\u2069`, size: next.size });
  });
  protected readonly isChoosy = computed(() => {
    const { maxSize, lane } = this.actions.wanted();
    return maxSize !== null || lane !== null;
  });
  protected readonly wanted = computed(() => {
    const { maxSize, lane } = this.actions.wanted();
    const size = maxSize === null ? this.text('anySize') : this.text('upTo', { size: maxSize });
    if (lane === null) return size;
    return `${size}, ${this.text(lane === 'priority' ? 'priority' : 'regular')}`;
  });

  protected choose(wanted: Partial<ReturnType<StandActions['wanted']>>): void {
    this.actions.wanted.update((before) => ({ ...before, ...wanted }));
  }
}
