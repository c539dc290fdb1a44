import { Injectable, signal } from '@angular/core';

/** Whether the server could be reached last time. */
@Injectable({ providedIn: 'root' })
export class Connection {
  readonly #isOnline = signal(navigator.onLine);
  readonly isOnline = this.#isOnline.asReadonly();

  constructor() {
    addEventListener('online', () => this.#isOnline.set(true));
    addEventListener('offline', () => this.#isOnline.set(false));
  }

  /** Takes the outcome of a call. */
  note(isReached: boolean): void {
    this.#isOnline.set(isReached);
  }
}
