import { Injectable } from '@angular/core';
import type { PreloadingStrategy, Route } from '@angular/router';
import { EMPTY, from, type Observable, switchMap } from 'rxjs';

/**
 * Where the browser allows no service worker, which keeps all files: loads the other screens once the first one is shown,
 * so that they also open after the files of this build have been replaced.
 */
@Injectable({ providedIn: 'root' })
export class PreloadWhenIdle implements PreloadingStrategy {
  preload(_route: Route, load: () => Observable<unknown>): Observable<unknown> {
    return 'serviceWorker' in navigator ? EMPTY : from(idle()).pipe(switchMap(load));
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
