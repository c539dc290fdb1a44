import { OverlayContainer } from '@angular/cdk/overlay';
import { effect, Injectable, inject } from '@angular/core';
import { injectText } from './language.ts';
import { texts } from './strings.ts';

/** Makes a landmark of the element that menus and dialogs open in, as long as it holds any. */
@Injectable({ providedIn: 'root' })
export class OverlayLandmark {
  constructor() {
    const container = inject(OverlayContainer).getContainerElement();
    const text = injectText(texts);
    effect(() => container.setAttribute('aria-label', text('overlays')));
    const observer = new MutationObserver(() => {
      if (container.childElementCount > 0) container.setAttribute('role', 'region');
      else container.removeAttribute('role');
    });
    observer.observe(container, { childList: true });
  }
}
