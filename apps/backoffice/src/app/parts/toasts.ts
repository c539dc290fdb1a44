import { Injectable, signal } from '@angular/core';

export type Toast = {
  /** A function reads signals, and the toast follows them. */
  text: string | (() => string);
  /** A button, such as Undo; the toast closes when it is pressed. */
  action?: { text: string; run(): void };
  /** How long it stays. */
  ms?: number;
};
export type ShownToast = Toast & { id: number; close(): void };

/** Long enough to read two lines. */
const shownMs = 6_000;
const shownAtOnceMax = 3;

/** Short messages over the screen. The newest is the lowest; older ones go when there are too many. */
@Injectable({ providedIn: 'root' })
export class Toasts {
  readonly #shown = signal<ShownToast[]>([]);
  readonly shown = this.#shown.asReadonly();
  #last = 0;

  /** @returns a function that closes it. */
  show(toast: Toast): () => void {
    this.#last += 1;
    const id = this.#last;
    const close = () => {
      clearTimeout(timer);
      this.#shown.update((shown) => shown.filter((other) => other.id !== id));
    };
    const timer = setTimeout(close, toast.ms ?? shownMs);
    this.#shown.update((shown) => [...shown, { ...toast, id, close }].slice(-shownAtOnceMax));
    return close;
  }
}
