/** What the line needs of a browser, for tests. */
export type Host = {
  /** The time by the device's clock. */
  now(): number;
  newId(): string;
  random(): number;
  /** Calls back once, later; the returned function cancels it. */
  later(callback: () => void, ms: number): () => void;
  /** Runs `work` while no other tab holds the lock of this name. */
  exclusively<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Messages to and from other tabs. */
  channel(name: string): {
    send(message: unknown): void;
    listen(listener: (message: unknown) => void): void;
    close(): void;
  };
  /** Calls back when the page is shown or back on the network, and with `true` when the network is lost. */
  onWake(listener: (isOffline: boolean) => void): () => void;
};

export const browserHost: Host = {
  now: Date.now,
  newId: () => crypto.randomUUID(),
  random: Math.random,
  later(callback, ms) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  // Only secure origins have locks. Elsewhere two tabs may send the same press, which its key makes harmless.
  async exclusively(name, work) {
    return navigator.locks === undefined ? work() : navigator.locks.request(name, work);
  },
  channel(name) {
    const channel = new BroadcastChannel(name);
    return {
      send: (message) => channel.postMessage(message),
      listen(listener) {
        channel.onmessage = ({ data }) => listener(data);
      },
      close: () => channel.close(),
    };
  },
  onWake(listener) {
    const ends = new AbortController();
    const { signal } = ends;
    const wake = () => {
      if (document.visibilityState === 'visible') listener(false);
    };
    document.addEventListener('visibilitychange', wake, { signal });
    window.addEventListener('pageshow', ({ persisted }) => persisted && wake(), { signal });
    window.addEventListener('online', () => listener(false), { signal });
    window.addEventListener('offline', () => listener(true), { signal });
    return () => ends.abort();
  },
};
