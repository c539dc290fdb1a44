import { DestroyRef, inject, type Signal, signal } from '@angular/core';

/** The time by a clock, read again at this interval while the page is shown. */
export function injectNow(ms: number, now: () => number = Date.now): Signal<number> {
  const time = signal(now());
  const tick = () => {
    if (document.visibilityState === 'visible') time.set(now());
  };
  const timer = setInterval(tick, ms);
  document.addEventListener('visibilitychange', tick);
  inject(DestroyRef).onDestroy(() => {
    clearInterval(timer);
    document.removeEventListener('visibilitychange', tick);
  });
  return time.asReadonly();
}
