import { CdkMenu, CdkMenuItem, CdkMenuTrigger } from '@angular/cdk/menu';
import { Component, computed, inject } from '@angular/core';
import { newKey } from '@queue-manager/client/new-key';
import type { QueueState } from '@queue-manager/contracts/queues';
import { injectConfirm } from '../parts/confirm.ts';
import { Icon } from '../parts/icon.ts';
import { injectText } from '../parts/language.ts';
import { Api } from '../session/api.ts';
import { StandActions } from './actions.ts';
import { texts } from './strings.ts';

const routeTo = { open: 'openQueue', paused: 'pauseQueue', closed: 'closeQueue' } as const;
const iconOf = { open: 'play', paused: 'clock', closed: 'lock' } as const;

/** Whether guests can join the queue; managers change it. */
@Component({
  selector: 'qm-queue-state',
  imports: [CdkMenu, CdkMenuItem, CdkMenuTrigger, Icon],
  template: `
    @if (state(); as state) {
      @if (actions.isManager()) {
        <button type="button" class="button state" [class]="state" [cdkMenuTriggerFor]="menu">
          <span class="dot"></span><span class="word">{{ text(state) }}</span><qm-icon name="down" />
          <span class="hidden">{{ text('changeState') }}</span>
        </button>
      } @else {
        <span class="state plain" [class]="state"><span class="dot"></span>{{ text(state) }}</span>
      }
    }
    <ng-template #menu>
      <div cdkMenu class="menu">
        @for (other of others(); track other) {
          <button cdkMenuItem type="button" class="menu-item" (cdkMenuItemTriggered)="set(other)">
            <qm-icon [name]="iconOf[other]" />
            <span class="menu-lines">
              <span class="strong">{{ text(doTexts[other]) }}</span>
              <span class="muted small">{{ text(hintTexts[other]) }}</span>
            </span>
          </button>
        }
      </div>
    </ng-template>
  `,
  styles: `
    .state {
      gap: var(--space-2);
      padding-inline: var(--space-3);
    }
    .plain {
      display: inline-flex;
      align-items: center;
      font-weight: 600;
    }
    .dot {
      inline-size: 0.75rem;
      block-size: 0.75rem;
      border-radius: 50%;
      background: var(--ok);
      forced-color-adjust: none;
    }
    .paused .dot {
      background: var(--warning);
    }
    .closed .dot {
      background: var(--danger);
    }
    /* The usual state leaves its place to the queues. */
    @container stand (inline-size < 34rem) {
      .open .word {
        position: absolute;
        inline-size: 1px;
        block-size: 1px;
        overflow: hidden;
        clip-path: inset(50%);
      }
    }
  `,
})
export class QueueStateMenu {
  protected readonly text = injectText(texts);
  protected readonly actions = inject(StandActions);
  readonly #api = inject(Api);
  readonly #confirm = injectConfirm();
  protected readonly iconOf = iconOf;
  protected readonly doTexts = { open: 'doOpen', paused: 'doPause', closed: 'doClose' } as const;
  protected readonly hintTexts = {
    open: 'openHint',
    paused: 'pauseHint',
    closed: 'closeHint',
  } as const;
  protected readonly state = computed(() => this.actions.queue()?.state ?? null);
  protected readonly others = computed(() =>
    (['open', 'paused', 'closed'] as const).filter((state) => state !== this.state()),
  );

  /** The stream tells what has become of it. */
  protected async set(state: QueueState): Promise<void> {
    const queue = this.actions.queue();
    if (queue === null) return;
    if (state === 'closed') {
      const isSure = await this.#confirm({
        title: this.text('closeTitle', { queue: queue.name }),
        text: this.text('closeText'),
        action: this.text('doClose'),
      });
      if (!isSure) return;
    }
    const params = { queueId: queue.id };
    await this.#api.succeed(routeTo[state], { params, idempotencyKey: newKey() });
  }
}
