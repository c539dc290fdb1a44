/**
 * A program of a venue that gets its events from the message queue. Plain JavaScript on Node 20 or newer, without
 * dependencies; it knows the HTTP API alone.
 *
 *   API=http://127.0.0.1:8080 KEY=qm_… node examples/consumer.mjs [CONSUMER]
 *
 * Several may run at once, each with a name of its own: a message is with one of them at a time. A message that a
 * consumer did not finish, because it was killed or could not handle it, comes again to one of them. So a message may be
 * handled twice, and `handle` must bear that: the `id` of a message stays the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';

const messagesAtOnce = 10;
const waitSeconds = 20;
const retryMsMax = 10_000;

/**
 * Consumes messages until `signal` aborts. `handle` gets a message: `{ id, body, publishedAt, deliveries }`.
 */
export async function consume({ api, key, cid, handle, visibilitySeconds = 30, signal }) {
  async function call(method, path, query, times = Infinity) {
    const url = new URL(path, api);
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    for (let attempt = 1; ; attempt += 1) {
      let retryMs = Math.min(retryMsMax, 100 * 2 ** attempt);
      try {
        const response = await fetch(url, {
          method,
          headers: { authorization: `Bearer ${key}` },
          // Longer than the longest wait.
          signal: AbortSignal.any([AbortSignal.timeout(60_000), ...(signal ? [signal] : [])]),
        });
        const body = await response.json();
        if (response.ok) return body;
        // The queue is unavailable, or we ask too often: ask again later. Anything else stays as it is.
        if (response.status !== 429 && response.status < 500) {
          throw Object.assign(new Error(`${method} ${path}: ${body.detail}`), { isFinal: true });
        }
        retryMs = 1_000 * Number(response.headers.get('retry-after') ?? retryMs / 1_000);
      } catch (error) {
        if (error.isFinal || signal?.aborted || attempt >= times) throw error;
      }
      await delay(retryMs, undefined, { signal });
    }
  }

  /** Handles the messages one after the other, and deletes each; until then, all stay locked to this consumer. */
  async function finish(messages) {
    const held = new Set(messages.map(({ id }) => id));
    const extend = async (id) => {
      const query = { cid, id, visibility: visibilitySeconds };
      // If a call fails, the next one may succeed.
      const isHeld = await call('POST', '/v1/consumer/extend', query, 1).catch(() => true);
      if (!isHeld) held.delete(id);
    };
    const extending = setInterval(() => held.forEach(extend), (visibilitySeconds * 1_000) / 3);
    try {
      for (const message of messages) {
        const { id } = message;
        // It took so long that another consumer may have it.
        if (!held.has(id)) continue;
        try {
          await handle(message);
          await call('DELETE', '/v1/consumer', { cid, id });
        } catch (error) {
          if (error.isFinal || signal?.aborted) throw error;
          // It comes again when its visibility time has passed; after ten deliveries it is a dead message.
          console.error(`message ${id} could not be handled: ${error.message}`);
        }
        held.delete(id);
      }
    } finally {
      clearInterval(extending);
    }
  }

  while (!signal?.aborted) {
    try {
      const messages = await call('GET', '/v1/consumer', {
        cid,
        limit: messagesAtOnce,
        wait: waitSeconds,
        visibility: visibilitySeconds,
      });
      await finish(messages);
    } catch (error) {
      if (!signal?.aborted) throw error;
    }
  }
}

/** Prints each message as a line. */
async function print(message) {
  console.log(JSON.stringify(message));
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { API: api = 'http://127.0.0.1:8080', KEY: key } = process.env;
  if (!key) {
    console.error('usage: KEY=qm_… node examples/consumer.mjs [CONSUMER]');
    process.exit(1);
  }
  const stopping = new AbortController();
  process.once('SIGINT', () => stopping.abort());
  await consume({
    api,
    key,
    cid: process.argv[2] ?? 'example',
    handle: print,
    signal: stopping.signal,
  });
}
