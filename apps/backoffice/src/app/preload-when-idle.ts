import { Injectable } from '@angular/core';
import type { PreloadingStrategy, Route } from '@angular/router';
import { from, type Observable, switchMap } from 'rxjs';

/**
 * Loads all other screens once the first one is shown, so that each opens at once, and also after the files of this
 * build have been replaced or the network is gone.
 */
@Injectable({ providedIn: 'root' })
export class PreloadWhenIdle implements PreloadingStrategy {
  preload(_route: Route, load: () => Observable<unknown>): Observable<unknown> {
    return from(idle()).pipe(switchMap(load));
  }
}

/** Safari has no idle callbacks. */
const fallbackMs = 1_000;

function idle(): Promise<void> {
  return new Promise((resolve) => {
    if ('requestIdleCallback' in globalThis) requestIdleCallback(() => resolve());
    else setTimeout(resolve, fallbackMs);
  });
}
