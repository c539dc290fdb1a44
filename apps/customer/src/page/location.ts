import { useSyncExternalStore } from 'react';

const changed = 'page-changed';

function subscribe(listener: () => void): () => void {
  for (const name of ['popstate', changed]) window.addEventListener(name, listener);
  return () => {
    for (const name of ['popstate', changed]) window.removeEventListener(name, listener);
  };
}

/** The path of the page, which changes without loading another document. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname);
}

/** Shows another page of this app: with the same document, a touch that has allowed sound still counts. */
export function goTo(path: string, { replace = false } = {}): void {
  history[replace ? 'replaceState' : 'pushState'](null, '', path);
  window.dispatchEvent(new Event(changed));
  window.scrollTo(0, 0);
}
