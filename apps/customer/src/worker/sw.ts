/*
 * The service worker: keeps the pages of guests usable without network. Built as /sw.js; the build fills in the cache's
 * name, a hash of the files, and their list.
 */
declare const self: ServiceWorkerGlobalScope;
declare const __CACHE__: string;
declare const __FILES__: string[];

/** The document that every page of a guest starts from. */
const shell = '/';
/** A page that a slow network has not brought by then starts from the cache. */
const networkMs = 3_000;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(__CACHE__)
      .then((cache) => cache.addAll(__FILES__))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  event.waitUntil(removeOldCaches().then(() => self.clients.claim()));
});

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== 'GET' || url.origin !== self.location.origin) return;
  if (request.mode === 'navigate') {
    if (/^\/([jt]\/|$)/.test(url.pathname)) event.respondWith(networkFirst(request));
  } else if (__FILES__.includes(url.pathname)) {
    event.respondWith(cacheFirst(request));
  }
});

async function removeOldCaches(): Promise<void> {
  const names = await caches.keys();
  await Promise.all(names.filter((name) => name !== __CACHE__).map((name) => caches.delete(name)));
}

async function networkFirst(request: Request): Promise<Response> {
  const cached = await caches.match(shell, { ignoreVary: true });
  if (cached === undefined) return fetch(request);
  const late = new Promise<Response>((resolve) => setTimeout(resolve, networkMs, cached));
  // A server that restarts answers 502 or 503 for a moment.
  const fetched = fetch(request).then((response) => (response.ok ? response : cached));
  return Promise.race([fetched.catch(() => cached), late]);
}

async function cacheFirst(request: Request): Promise<Response> {
  // The gateway's responses vary by headers that the cache compares, but none of them changes these files.
  return (await caches.match(request, { ignoreVary: true })) ?? fetch(request);
}
