import { DOCUMENT } from '@angular/common';
import { Component, inject, signal } from '@angular/core';
import { Icon } from '../../parts/icon.ts';
import { injectText } from '../../parts/language.ts';
import { Api } from '../../session/api.ts';
import { injectProblemText } from '../../session/problem-text.ts';
import { texts } from './strings.ts';

const fileName = 'queue-manager-account.json';

@Component({
  selector: 'qm-export-data',
  imports: [Icon],
  template: `
    <div class="stack-close">
      <h2>{{ text('exportTitle') }}</h2>
      <p class="muted">{{ text('exportLead') }}</p>
    </div>
    <p class="error" role="alert">{{ failure() }}</p>
    <div>
      <button type="button" class="button" [attr.aria-disabled]="isBusy()" (click)="download()">
        <qm-icon name="download" />{{ text(isBusy() ? 'preparing' : 'download') }}
      </button>
    </div>
  `,
})
export class ExportData {
  protected readonly text = injectText(texts);
  protected readonly isBusy = signal(false);
  protected readonly failure = signal<string | null>(null);
  readonly #api = inject(Api);
  readonly #problemText = injectProblemText();
  readonly #document = inject(DOCUMENT);

  protected async download(): Promise<void> {
    if (this.isBusy()) return;
    this.isBusy.set(true);
    this.failure.set(null);
    try {
      const data = await this.#api.succeed('exportMe', {});
      const file = new Blob([JSON.stringify(data, null, 2)], { type: 'application/json' });
      const link = this.#document.createElement('a');
      link.href = URL.createObjectURL(file);
      link.download = fileName;
      link.click();
      // The browser has read it by then.
      setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
    } catch (error) {
      this.failure.set(this.#problemText(error));
    } finally {
      this.isBusy.set(false);
    }
  }
}
