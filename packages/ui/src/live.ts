/*
 * A store that stays fresh: a first read, then a stream of changes. It reads and reconnects by itself after a lost
 * network, a restarted server or a night in a pocket, and never has two streams open: a browser has six connections to a
 * server, over all tabs.
 */

export type Snapshot<T> = {
  value: T | null;
  /**
   * `loading`: nothing known yet. `live`: current. `stale`: the server cannot be reached; the value is that of `asOf`.
   * `gone`: the server says that there is no such thing.
   */
  state: 'loading' | 'live' | 'stale' | 'gone';
  /** When the value was current, by the clock of the device; null while there is none. */
  asOf: number | null;
};

export type Live<T> = {
  get(): Snapshot<T>;
  subscribe(listener: () => void): () => void;
  /** Reads again and reconnects. */
  refresh(): void;
  /** Reads again. */
  check(): void;
  /** Takes a value that the server has just returned for something else. */
  set(value: T): void;
  stop(): void;
};

export type LiveOptions<T, Event> = {
  /** Null if there is no such thing. Rejects if the server cannot be reached. */
  read(signal: AbortSignal): Promise<T | null>;
  /** The address of the stream and the name of its events; null for none yet. */
  stream(value: T | null): { url: string; event: string } | null;
  /**
   * The value after an event; null to read again instead. An event may be older than the value, since both come over
   * connections of their own.
   */
  merge(value: T | null, event: Event): { value: T; isComplete: boolean } | null;
  /** The newer of both, for a read that an event has overtaken; by default what was read. */
  newer?(known: T, read: T): T;
  /** What was known before, with its time. */
  initial?: { value: T; asOf: number } | undefined;
};

/** What the store needs of a browser, for tests. */
export type Host = {
  openStream(url: string): {
    addEventListener(name: string, listener: (event: { data: string }) => void): void;
    close(): void;
  };
  /** Calls back when the page is shown, woken or back on the network, and with `true` when the network is lost. */
  onWake(listener: (isOffline: boolean) => void): () => void;
  now(): number;
  random(): number;
};

/** Delay of the first attempt to reconnect; doubles up to the maximum. */
const retryMs = 1_000;
const retryMsMax = 20_000;
/** A connection may be dead without an error: reads now and then notice. */
const checkMs = 45_000;
const readTimeoutMs = 10_000;
/** A page that has heard of the server this recently needs no new stream when it is shown. */
const freshMs = 3_000;

export function createLive<T, Event>(
  options: LiveOptions<T, Event>,
  host: Host = browserHost,
): Live<T> {
  let snapshot: Snapshot<T> = {
    value: options.initial?.value ?? null,
    state: 'loading',
    asOf: options.initial?.asOf ?? null,
  };
  const listeners = new Set<() => void>();
  let source: ReturnType<Host['openStream']> | null = null;
  let sourceUrl = '';
  let reading: AbortController | null = null;
  let mustReadAgain = false;
  let attempts = 0;
  let retryTimer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;

  function publish(next: Partial<Snapshot<T>>): void {
    snapshot = { ...snapshot, ...next };
    for (const listener of listeners) listener();
  }

  function closeStream(): void {
    source?.close();
    source = null;
  }

  function openStream(): void {
    const address = options.stream(snapshot.value);
    if (address === null || (source !== null && address.url === sourceUrl)) return;
    closeStream();
    sourceUrl = address.url;
    const opened = host.openStream(address.url);
    source = opened;
    const ifCurrent =
      <A>(handle: (argument: A) => void) =>
      (argument: A) => {
        if (source === opened) handle(argument);
      };
    opened.addEventListener(
      address.event,
      ifCurrent(({ data }: { data: string }) => {
        attempts = 0;
        const merged = options.merge(snapshot.value, JSON.parse(data) as Event);
        if (merged !== null) publish({ value: merged.value, state: 'live', asOf: host.now() });
        if (!merged?.isComplete) void read();
      }),
    );
    opened.addEventListener(
      'error',
      ifCurrent(() => {
        closeStream();
        retryLater();
      }),
    );
  }

  /** Its own retries instead of the browser's, which end at the first answer other than 200. */
  function retryLater(): void {
    if (retryTimer !== undefined) return;
    const ms = Math.min(retryMs * 2 ** attempts, retryMsMax);
    attempts += 1;
    retryTimer = setTimeout(connect, ms * (0.5 + host.random() / 2));
  }

  function connect(): void {
    clearTimeout(retryTimer);
    retryTimer = undefined;
    if (isStopped) return;
    openStream();
    void read();
  }

  async function read(): Promise<void> {
    if (isStopped) return;
    if (reading !== null) {
      mustReadAgain = true;
      return;
    }
    const controller = new AbortController();
    reading = controller;
    const timeout = setTimeout(() => controller.abort(), readTimeoutMs);
    try {
      const value = await options.read(controller.signal);
      if (isStopped || reading !== controller) return;
      if (value === null) return end();
      const { newer = (_, last) => last } = options;
      const latest = snapshot.value === null ? value : newer(snapshot.value, value);
      publish({ value: latest, state: 'live', asOf: host.now() });
      openStream();
    } catch {
      if (isStopped || reading !== controller) return;
      if (snapshot.state !== 'gone') publish({ state: 'stale' });
      if (source === null) retryLater();
    } finally {
      clearTimeout(timeout);
      if (reading === controller) {
        reading = null;
        if (mustReadAgain) {
          mustReadAgain = false;
          void read();
        }
      }
    }
  }

  function end(): void {
    closeStream();
    clearTimeout(retryTimer);
    publish({ state: 'gone' });
  }

  function refresh(): void {
    if (isStopped) return;
    // What was under way before a sleep may never end.
    reading?.abort();
    reading = null;
    mustReadAgain = false;
    attempts = 0;
    closeStream();
    connect();
  }

  const stopListening = host.onWake((isOffline) => {
    if (isOffline) {
      if (snapshot.state !== 'gone') publish({ state: 'stale' });
      return;
    }
    const isFresh = snapshot.state === 'live' && host.now() - (snapshot.asOf ?? 0) < freshMs;
    if (!isFresh) refresh();
  });
  const checkTimer = setInterval(() => {
    if (snapshot.state !== 'gone') void read();
  }, checkMs);
  connect();

  return {
    get: () => snapshot,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    refresh,
    check: () => void read(),
    set(value) {
      // A read that began before may bring what was before.
      reading?.abort();
      reading = null;
      mustReadAgain = false;
      publish({ value, state: 'live', asOf: host.now() });
    },
    stop() {
      isStopped = true;
      closeStream();
      reading?.abort();
      clearTimeout(retryTimer);
      clearInterval(checkTimer);
      stopListening();
    },
  };
}

const browserHost: Host = {
  openStream: (url) => {
    const source = new EventSource(url);
    return {
      addEventListener: (name, listener) =>
        source.addEventListener(name, listener as unknown as EventListener),
      close: () => source.close(),
    };
  },
  onWake(listener) {
    const wake = () => {
      if (document.visibilityState === 'visible') listener(false);
    };
    const ends = new AbortController();
    const { signal } = ends;
    document.addEventListener('visibilitychange', wake, { signal });
    document.addEventListener('resume', wake, { signal });
    window.addEventListener('pageshow', ({ persisted }) => persisted && wake(), { signal });
    // Also hidden: a call must be heard.
    window.addEventListener('online', () => listener(false), { signal });
    window.addEventListener('offline', () => listener(true), { signal });
    return () => ends.abort();
  },
  now: Date.now,
  random: Math.random,
};
