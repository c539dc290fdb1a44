import { afterRenderEffect, Component, type ElementRef, inject, viewChild } from '@angular/core';
import { Icon } from './icon.ts';
import { injectText } from './language.ts';
import { texts } from './strings.ts';
import { type ShownToast, Toasts } from './toasts.ts';

/** Shows the toasts; once in the app. */
@Component({
  selector: 'qm-toast-list',
  imports: [Icon],
  template: `
    <ul #list class="toasts" popover="manual" aria-live="polite" aria-atomic="false">
      @for (toast of toasts.shown(); track toast.id) {
        <li class="toast">
          <span>{{ textOf(toast) }}</span>
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
  protected readonly list = viewChild.required<ElementRef<HTMLElement>>('list');

  #isCovered = true;

  constructor() {
    // Dialogs and menus are popovers, too: what has been shown last covers the others. The event does not bubble.
    const noteCover = ({ target, newState }: ToggleEvent) => {
      if (newState === 'open') this.#isCovered = target !== this.list().nativeElement;
    };
    document.addEventListener('beforetoggle', noteCover, { capture: true });
    afterRenderEffect(() => {
      this.toasts.shown();
      if (!this.#isCovered) return;
      const { nativeElement } = this.list();
      nativeElement.hidePopover();
      nativeElement.showPopover();
    });
  }

  protected textOf({ text }: ShownToast): string {
    return typeof text === 'string' ? text : text();
  }

  protected run(toast: ShownToast): void {
    toast.close();
    toast.action?.run();
  }
}
