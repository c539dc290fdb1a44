import { DestroyRef, Directive, ElementRef, inject, signal } from '@angular/core';

/** The width of an element in CSS pixels: charts are drawn to it, so that their texts keep their size. */
@Directive({ selector: '[qmSize]', exportAs: 'qmSize' })
export class Size {
  readonly width = signal(0);

  constructor() {
    const { nativeElement } = inject<ElementRef<HTMLElement>>(ElementRef);
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) this.width.set(Math.floor(entry.contentRect.width));
    });
    observer.observe(nativeElement);
    inject(DestroyRef).onDestroy(() => observer.disconnect());
  }
}
