import { Component, DestroyRef, inject, output, signal } from '@angular/core';

const holdMs = 1_000;

/** A button that has to be held, so that a pocket does not press it. With the keyboard, Enter or Space is held. */
@Component({
  selector: 'qm-hold-button',
  template: `
    <button
      type="button"
      class="button"
      [class.held]="isHeld()"
      (pointerdown)="start()"
      (pointerup)="stop()"
      (pointerleave)="stop()"
      (pointercancel)="stop()"
      (contextmenu)="$event.preventDefault()"
      (keydown.enter)="start()"
      (keydown.space)="start()"
      (keyup)="stop()"
      (blur)="stop()"
    >
      <ng-content />
    </button>
  `,
  styles: `
    .button {
      position: relative;
      overflow: hidden;
      min-block-size: 4.5rem;
      padding-inline: var(--space-6);
      font-size: var(--large);
      touch-action: none;
      user-select: none;
      -webkit-touch-callout: none;
    }
    .button::before {
      position: absolute;
      inset: 0;
      background: var(--accent-text);
      opacity: 0.35;
      scale: 0 1;
      transform-origin: left;
      content: "";
    }
    :host-context([dir="rtl"]) .button::before {
      transform-origin: right;
    }
    .held::before {
      scale: 1 1;
      transition: scale 1s linear;
    }
  `,
})
export class HoldButton {
  readonly held = output<void>();
  protected readonly isHeld = signal(false);
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    inject(DestroyRef).onDestroy(() => clearTimeout(this.#timer));
  }

  protected start(): void {
    if (this.isHeld()) return;
    this.isHeld.set(true);
    this.#timer = setTimeout(() => {
      this.isHeld.set(false);
      this.held.emit();
    }, holdMs);
  }

  protected stop(): void {
    this.isHeld.set(false);
    clearTimeout(this.#timer);
  }
}
