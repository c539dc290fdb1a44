import { createParser } from 'eventsource-parser';

export type StreamEvent = { name: string; data: string };

/** The server sends something at least every 15 s. */
const silentMsMax = 35_000;

/**
 * Reads one event stream to its end; rejects if it breaks or cannot be opened. `EventSource` cannot send an access
 * token.
 */
export async function readEventStream(options: {
  open(lastEventId: string | null, signal: AbortSignal): Promise<Response>;
  lastEventId: string | null;
  /** Something has arrived. */
  onHeard(): void;
  onEvent(event: StreamEvent, id: string | null): void;
  signal: AbortSignal;
}): Promise<void> {
  const silence = new AbortController();
  const signal = AbortSignal.any([options.signal, silence.signal]);
  let timer = setTimeout(() => silence.abort(), silentMsMax);
  signal.addEventListener('abort', () => clearTimeout(timer), { once: true });
  try {
    const response = await options.open(options.lastEventId, signal);
    if (response.body === null) throw new Error('The stream has no body');
    const parser = createParser({
      onEvent: ({ event = 'message', data, id }) =>
        options.onEvent({ name: event, data }, id ?? null),
    });
    const decoder = new TextDecoder();
    const reader = response.body.getReader();
    const cancel = () => void reader.cancel().catch(() => {});
    signal.addEventListener('abort', cancel, { once: true });
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), silentMsMax);
      options.onHeard();
      parser.feed(decoder.decode(value, { stream: true }));
    }
    signal.throwIfAborted();
  } finally {
    clearTimeout(timer);
  }
}
