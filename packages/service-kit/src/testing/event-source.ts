import { setTimeout as delay } from 'node:timers/promises';

type SourceEvent = { id: string; type: string; data: string };

export type EventSource = {
  /** All events so far, oldest first. */
  readonly events: readonly SourceEvent[];
  /** Comment lines so far; the server sends them as a heartbeat. */
  readonly comments: number;
  /** Status of each response so far. */
  readonly statuses: readonly number[];
  readonly lastEventId: string;
  /** Reconnection time that the server asked for. */
  readonly retryMs: number | null;
  /** Resolves when the client stops: closed, refused, or after the first response with `isOnce`. */
  readonly over: Promise<void>;
  close(): void;
};

const usualRetryMs = 3_000;

/**
 * Follows a server-sent event stream as a browser does (WHATWG HTML, section 9.2), for tests and benchmarks. It
 * reconnects after the last event id when the stream ends or breaks, unless `isOnce`, and not when it was refused.
 * Ours, since eventsource-client parses a refusal as a stream and reconnects after it.
 */
export function followEvents(
  url: string | URL,
  options: {
    headers?: Record<string, string>;
    isOnce?: boolean;
    /** Called for each event. */
    onEvent?: (event: SourceEvent) => void;
  } = {},
): EventSource {
  const closing = new AbortController();
  const source = {
    events: [] as SourceEvent[],
    comments: 0,
    statuses: [] as number[],
    lastEventId: options.headers?.['last-event-id'] ?? '',
    retryMs: null as number | null,
  };

  async function readOnce(): Promise<boolean> {
    const { signal } = closing;
    const headers = { accept: 'text/event-stream', ...options.headers };
    const { lastEventId } = source;
    let answer: Response;
    try {
      answer = await fetch(url, {
        signal,
        headers: lastEventId === '' ? headers : { ...headers, 'last-event-id': lastEventId },
      });
    } catch {
      return true;
    }
    source.statuses.push(answer.status);
    if (answer.status !== 200 || answer.body === null) {
      await answer.body?.cancel();
      return false;
    }
    let event = { type: '', data: [] as string[] };
    let partialLine = '';
    try {
      for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
        const lines = (partialLine + text).split(/\r\n|\n/);
        partialLine = lines.pop() as string;
        for (const line of lines) {
          if (line === '') {
            if (event.data.length > 0) dispatch(event);
            event = { type: '', data: [] };
          } else {
            take(line, event);
          }
        }
      }
    } catch {
      // The connection was lost: reconnect, as after the end.
    }
    return true;
  }

  function take(line: string, event: { type: string; data: string[] }): void {
    const [, name = '', value = ''] = /^([^:]*):? ?(.*)$/.exec(line) ?? [];
    if (line.startsWith(':')) source.comments += 1;
    else if (name === 'event') event.type = value;
    else if (name === 'data') event.data.push(value);
    else if (name === 'id') source.lastEventId = value;
    else if (name === 'retry') source.retryMs = Number(value);
  }

  function dispatch({ type, data }: { type: string; data: string[] }): void {
    const event = { id: source.lastEventId, type: type || 'message', data: data.join('\n') };
    source.events.push(event);
    options.onEvent?.(event);
  }

  async function follow(): Promise<void> {
    while ((await readOnce()) && !options.isOnce && !closing.signal.aborted) {
      const { signal } = closing;
      await delay(source.retryMs ?? usualRetryMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  }

  const over = follow();
  return Object.assign(source, { over, close: () => closing.abort() });
}
