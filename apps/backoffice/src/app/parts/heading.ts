import {
  afterNextRender,
  DestroyRef,
  Directive,
  ElementRef,
  effect,
  inject,
  input,
} from '@angular/core';
import { Title } from '@angular/platform-browser';

let isFirst = true;

/**
 * The heading of a screen: names the browser's tab, and takes the focus when the screen has been opened from another, so
 * that a screen reader says where one is and Tab goes on from there.
 */
@Directive({ selector: 'h1[qmHeading]', host: { tabindex: '-1', '[textContent]': 'qmHeading()' } })
export class Heading {
  readonly qmHeading = input.required<string>();

  constructor() {
    const title = inject(Title);
    const { nativeElement } = inject<ElementRef<HTMLElement>>(ElementRef);
    effect(() => title.setTitle(`${this.qmHeading()} · Queue Manager`));
    if (!isFirst) {
      let isGone = false;
      inject(DestroyRef).onDestroy(() => {
        isGone = true;
      });
      afterNextRender(() => {
        if (!isGone) nativeElement.focus({ preventScroll: true });
      });
    }
    isFirst = false;
  }
}
