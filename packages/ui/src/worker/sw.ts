/*
 * The service worker of an app: keeps its pages usable without network. Each app's build fills in what is declared here
 * and calls the result sw.js.
 */
declare const self: ServiceWorkerGlobalScope;
/** Name of the cache: the app and a hash of its files. The apps share an origin. */
declare const __CACHE__: string;
declare const __FILES__: string[];
/** Address of the document that every page of the app starts from. */
declare const __SHELL__: string;
/** Matches the paths of its pages. */
declare const __PAGES__: string;

const [app] = __CACHE__.split('-');
const pages = new RegExp(__PAGES__);
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
    if (pages.test(url.pathname)) event.respondWith(networkFirst(request));
  } else if (__FILES__.includes(url.pathname)) {
    event.respondWith(cacheFirst(request));
  }
});

async function removeOldCaches(): Promise<void> {
  const names = await caches.keys();
  const old = names.filter((name) => name.startsWith(`${app}-`) && name !== __CACHE__);
  await Promise.all(old.map((name) => caches.delete(name)));
}

/** The gateway's responses vary by headers that the cache compares, but none of them changes these files. */
const kept = { cacheName: __CACHE__, ignoreVary: true };

async function networkFirst(request: Request): Promise<Response> {
  const cached = await caches.match(__SHELL__, kept);
  if (cached === undefined) return fetch(request);
  const late = new Promise<Response>((resolve) => setTimeout(resolve, networkMs, cached));
  // A server that restarts answers 502 or 503 for a moment.
  const fetched = fetch(request).then((response) => (response.ok ? response : cached));
  return Promise.race([fetched.catch(() => cached), late]);
}

async function cacheFirst(request: Request): Promise<Response> {
  return (await caches.match(request, kept)) ?? fetch(request);
}
