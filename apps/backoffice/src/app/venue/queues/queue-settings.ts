import { Component, computed, inject, input, resource } from '@angular/core';
import { Router, RouterLink } from '@angular/router';
import { newKey } from '@queue-manager/client/new-key';
import { injectConfirm } from '../../parts/confirm.ts';
import { Dialogs } from '../../parts/dialogs.ts';
import { Heading } from '../../parts/heading.ts';
import { Icon } from '../../parts/icon.ts';
import { injectText } from '../../parts/language.ts';
import { Toasts } from '../../parts/toasts.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { CopyField } from '../copy-field.ts';
import { LoadState } from '../load-state.ts';
import type { Queue } from '../queues-of.ts';
import type { NameQuestion } from '../settings/name-dialog.ts';
import { QueueForm } from './queue-form.ts';
import { StateChip } from './state-chip.ts';
import { texts } from './strings.ts';

/** Everything about one queue. */
@Component({
  imports: [CopyField, Heading, Icon, LoadState, QueueForm, RouterLink, StateChip],
  host: { class: 'stack' },
  templateUrl: './queue-settings.html',
})
export class QueueSettings {
  readonly venueId = input.required<string>();
  readonly queueId = input.required<string>();
  protected readonly text = injectText(texts);
  readonly #api = inject(Api);
  readonly #toasts = inject(Toasts);
  readonly #dialogs = inject(Dialogs);
  readonly #confirm = injectConfirm();
  readonly #problemText = injectProblemText();
  readonly #router = inject(Router);
  protected readonly queue = resource({
    params: this.queueId,
    loader: ({ params: queueId }) => this.#api.succeed('getQueue', { params: { queueId } }),
  });
  protected readonly meaning = computed(() =>
    this.queue.hasValue() ? this.text(`${this.queue.value().state}Means`) : '',
  );

  protected open(): Promise<void> {
    return this.#change((options) => this.#api.succeed('openQueue', options));
  }

  protected pause(): Promise<void> {
    return this.#change((options) => this.#api.succeed('pauseQueue', options));
  }

  protected async close({ waiting }: Queue): Promise<void> {
    const { CloseDialog } = await import('./close-dialog.ts');
    const body = await this.#dialogs.open<{ expireWaiting: boolean }>(CloseDialog, { waiting });
    if (body === undefined) return;
    await this.#change((options) => this.#api.succeed('closeQueue', { ...options, body }));
  }

  protected async replaceCode(): Promise<void> {
    const isSure = await this.#confirm({
      title: this.text('newCodeAsk'),
      text: this.text('newCodeLead'),
      action: this.text('newCodeSure'),
      isDangerous: true,
    });
    if (!isSure) return;
    await this.#change(
      (options) => this.#api.succeed('replaceJoinCode', options),
      () => ({
        text: this.text('newCodeDone'),
        action: { text: this.text('poster'), run: () => void this.#openPoster() },
      }),
    );
  }

  protected async delete(name: string): Promise<void> {
    const { NameDialog } = await import('../settings/name-dialog.ts');
    const question: NameQuestion = {
      title: this.text('deleteTitle'),
      lead: this.text('deleteLead'),
      name,
      run: () => this.#api.succeed('deleteQueue', this.#options()),
    };
    if (!(await this.#dialogs.open<boolean>(NameDialog, question))) return;
    this.#toasts.show({ text: this.text('deleted') });
    await this.#router.navigate(['/venues', this.venueId(), 'settings', 'queues']);
  }

  #openPoster(): Promise<boolean> {
    return this.#router.navigate(['/venues', this.venueId(), 'poster'], {
      queryParams: { queueId: this.queueId() },
    });
  }

  #options() {
    return { params: { queueId: this.queueId() }, idempotencyKey: newKey() };
  }

  async #change(
    change: (options: { params: { queueId: string }; idempotencyKey: string }) => Promise<Queue>,
    toast = ({ state }: Queue): Parameters<Toasts['show']>[0] => ({
      text: this.text('stateSaved', { state: this.text(state).toLocaleLowerCase() }),
    }),
  ): Promise<void> {
    try {
      const queue = await change(this.#options());
      this.queue.set(queue);
      this.#toasts.show(toast(queue));
    } catch (error) {
      this.#toasts.show({ text: this.#problemText(error) });
    }
  }
}
