import { useEffect } from 'react';

/*
 * A new version of the app, which the service worker brings while a page is open. The page goes on with the old one,
 * and takes the new one when it is hidden and nothing would be lost.
 */

let isReady = false;
let holds = 0;

function reloadIfHarmless(): void {
  if (isReady && holds === 0 && document.visibilityState === 'hidden') location.reload();
}

/** How often an open page asks for a new version, at most. */
const checkMs = 60 * 60 * 1_000;

/** Starts the service worker. A browser without one, or in private mode, does without. */
export function registerWorker(): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers === undefined) return;
  const wasControlled = workers.controller !== null;
  let isFirst = !wasControlled;
  workers.addEventListener('controllerchange', () => {
    // The first worker brings the version that the page has loaded.
    if (!isFirst) isReady = true;
    isFirst = false;
    reloadIfHarmless();
  });
  workers
    .register('/sw.js')
    .then((registration) => {
      let checkedAt = Date.now();
      document.addEventListener('visibilitychange', () => {
        reloadIfHarmless();
        if (document.visibilityState !== 'visible' || Date.now() - checkedAt < checkMs) return;
        checkedAt = Date.now();
        registration.update().catch(() => {});
      });
    })
    .catch(() => {});
}

/** Keeps the page from reloading for a new version while `isHeld`. */
export function useHeldVersion(isHeld: boolean): void {
  useEffect(() => {
    if (!isHeld) return;
    holds += 1;
    return () => {
      holds -= 1;
      reloadIfHarmless();
    };
  }, [isHeld]);
}
