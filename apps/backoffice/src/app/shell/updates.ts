import { Location } from '@angular/common';
import { inject } from '@angular/core';
import { NavigationStart, Router } from '@angular/router';

/** How often an open page asks for a new version. */
const checkMs = 60 * 60 * 1_000;

/**
 * Starts the service worker, with which the app opens without network. A page that is open when a new version comes goes
 * on with the old one until it changes its address. A browser without service workers, or in private mode, does without.
 */
export function followUpdates(): void {
  const workers = navigator.serviceWorker as ServiceWorkerContainer | undefined;
  if (workers === undefined) return;
  const [router, location] = [inject(Router), inject(Location)];
  // The first worker brings the version that the page has loaded.
  let isFirst = workers.controller === null;
  let isReady = false;
  workers.addEventListener('controllerchange', () => {
    isReady = !isFirst;
    isFirst = false;
  });
  router.events.subscribe((event) => {
    if (isReady && event instanceof NavigationStart) {
      window.location.assign(location.prepareExternalUrl(event.url));
    }
  });
  workers
    .register('/backoffice/sw.js', { scope: '/backoffice/' })
    .then((registration) => {
      setInterval(() => registration.update().catch(() => {}), checkMs);
    })
    .catch(() => {});
}
