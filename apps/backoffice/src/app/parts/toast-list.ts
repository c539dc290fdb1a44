import { Component, inject } from '@angular/core';
import { Icon } from './icon.ts';
import { injectText } from './language.ts';
import { texts } from './strings.ts';
import { type ShownToast, Toasts } from './toasts.ts';

/** Shows the toasts; once in the app. */
@Component({
  selector: 'qm-toast-list',
  imports: [Icon],
  template: `
    <ul class="toasts" aria-live="polite" aria-atomic="false">
      @for (toast of toasts.shown(); track toast.id) {
        <li class="toast">
          <span>{{ toast.text }}</span>
          @if (toast.action; as action) {
            <button type="button" class="button quiet" (click)="run(toast)">{{ action.text }}</button>
          }
          <button type="button" class="button quiet icon-only" (click)="toast.close()">
            <qm-icon name="close" /><span class="hidden">{{ text('close') }}</span>
          </button>
        </li>
      }
    </ul>
  `,
})
export class ToastList {
  protected readonly text = injectText(texts);
  protected readonly toasts = inject(Toasts);

  protected run(toast: ShownToast): void {
    toast.close();
    toast.action?.run();
  }
}
