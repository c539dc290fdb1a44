import { constants, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** Clients reconnect after this plus a random jitter, so that they do not all come at once. */
const retryMs = 2_000;
const retryJitterMs = 1_000;
/**
 * Interval of the heartbeat check. A stream stays silent for up to twice as long, because one that sent something
 * since the last check is skipped; the contract promises at most 15 s.
 */
const defaultBeatMs = 6_000;
const beatGroups = 20;
const drainCheckMs = 100;
const comment = ':\n\n';
/** Writes to a shared connection leave at the end of the tick, so up to this much buffered does not mean a slow reader. */
const sharedBytesMax = 2_048;

type EventStreamHandlers = {
  /** The buffer has drained: a stream that skipped an update can send it now. */
  onDrained?(): void;
  /** Nothing was sent for a while. Return true if this sent something, which spares the heartbeat comment. */
  onBeat?(): boolean;
  /** The stream has ended, from either side. */
  onClosed(): void;
};

export type EventStream = {
  /** Whether all data has left this process. If not, send only what must not be skipped. */
  readonly isDrained: boolean;
  readonly isOpen: boolean;
  /** Sends a complete event, `event: …\ndata: …\n\n`. */
  send(event: string): void;
  /** Ends the stream; the client reconnects after `retryAfterMs`, or after the default delay. */
  end(retryAfterMs?: number): void;
};

export type EventStreams = {
  /** Turns a reply into a stream that begins with `first`. */
  open(reply: FastifyReply, options: EventStreamHandlers & { first: string }): EventStream;
  readonly count: number;
  close(): void;
};

/** Formats an event; `data` must be a single line, as JSON is. */
export function eventOf(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

/**
 * Server-sent event streams, many thousands per process, each on its own connection or on a shared HTTP/2 connection.
 * They share one timer, keep nothing that was sent, and drop readers that do not read.
 */
export function createEventStreams(
  limits: {
    /** A reader is dropped if its buffer has not drained for this long, */
    undrainedMsMax?: number;
    /** or holds more than this. */
    bufferBytesMax?: number;
    beatMs?: number;
  } = {},
): EventStreams {
  const { undrainedMsMax = 30_000, bufferBytesMax = 64 * 1024, beatMs = defaultBeatMs } = limits;

  /** Streams by the time of their heartbeat check, to spread the work. */
  const groups = Array.from({ length: beatGroups }, () => new Set<Stream>());
  const undrained = new Set<Stream>();
  let count = 0;
  let group = 0;
  let isClosed = false;

  const beating = setInterval(() => {
    group = (group + 1) % beatGroups;
    for (const stream of groups[group] as Set<Stream>) stream.beat();
  }, beatMs / beatGroups);
  beating.unref();

  const checking = setInterval(() => {
    for (const stream of undrained) stream.checkDrained();
  }, drainCheckMs);
  checking.unref();

  // A class, so that ten thousand streams share its functions.
  class Stream implements EventStream {
    readonly #raw: FastifyReply['raw'];
    readonly #shared: ServerHttp2Stream | null;
    readonly #connection: Writable;
    readonly #handlers: EventStreamHandlers;
    readonly #group: Set<Stream>;
    #hasSent = true;
    #undrainedSince = 0;
    isOpen = true;

    constructor(raw: FastifyReply['raw'], handlers: EventStreamHandlers) {
      this.#raw = raw;
      this.#shared = sharedOf(raw);
      this.#connection = this.#shared ?? raw.socket ?? raw;
      this.#shared?.on('error', ignore);
      this.#handlers = handlers;
      // The group just checked, so the first check is a full interval away.
      this.#group = groups[group] as Set<Stream>;
      this.#group.add(this);
      count += 1;
      raw.on('close', () => this.#closed());
      raw.on('error', ignore);
    }

    get isDrained(): boolean {
      return this.#connection.writableLength <= (this.#shared === null ? 0 : sharedBytesMax);
    }

    /** The reader disconnected before it was answered. */
    get isBroken(): boolean {
      return this.#connection.destroyed;
    }

    send(event: string): void {
      if (!this.isOpen) return;
      this.#hasSent = true;
      // Not through the response, which buffers until the end of the tick and would report data as not sent.
      this.#connection.write(event);
      if (this.isDrained) return;
      if (this.#connection.writableLength > bufferBytesMax) this.#drop();
      else this.watch();
    }

    end(retryAfterMs?: number): void {
      if (!this.isOpen) return;
      if (retryAfterMs !== undefined) this.#raw.write(`retry: ${retryAfterMs}\n\n`);
      this.#raw.end();
      // Data that cannot be sent now would keep the connection, and the process, open.
      if (!this.isDrained) this.#drop();
      this.#closed();
    }

    beat(): void {
      if (!this.isDrained) {
        this.watch();
        return;
      }
      const hasSent = this.#hasSent;
      this.#hasSent = false;
      if (hasSent || this.#handlers.onBeat?.() === true) return;
      this.send(comment);
      this.#hasSent = false;
    }

    /** Polls until the buffer has drained, which is cheaper than a `drain` event per write. */
    watch(): void {
      if (undrained.has(this)) return;
      this.#undrainedSince = performance.now();
      undrained.add(this);
    }

    checkDrained(): void {
      if (this.isDrained) {
        undrained.delete(this);
        this.#handlers.onDrained?.();
      } else if (performance.now() - this.#undrainedSince > undrainedMsMax) {
        this.#drop();
      }
    }

    #drop(): void {
      // A reset rather than an end, so that the peer discards what it has not passed on.
      this.#shared?.close(constants.NGHTTP2_CANCEL);
      this.#connection.destroy();
    }

    #closed(): void {
      if (!this.isOpen) return;
      this.isOpen = false;
      this.#group.delete(this);
      undrained.delete(this);
      count -= 1;
      this.#handlers.onClosed();
    }
  }

  return {
    open(reply, { first, ...handlers }) {
      const { raw } = reply;
      for (const [name, value] of Object.entries(reply.getHeaders())) {
        if (value !== undefined) raw.setHeader(name, value);
      }
      reply.hijack();
      const isShared = sharedOf(raw) !== null;
      // The stream ends with the connection, so it needs no chunked framing.
      raw.removeHeader('transfer-encoding');
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        // A proxy that compresses would hold events back.
        'cache-control': 'no-store, no-transform',
        'x-accel-buffering': 'no',
        ...(isShared ? {} : { connection: 'close' }),
      });
      if (!isShared) raw.socket?.setKeepAlive(true, beatMs);
      raw.flushHeaders();
      const stream = new Stream(raw, handlers);
      if (isClosed || reply.request.method === 'HEAD' || stream.isBroken) {
        stream.end();
      } else {
        const ms = retryMs + Math.floor(Math.random() * retryJitterMs);
        stream.send(`retry: ${ms}\n\n${first}`);
      }
      return stream;
    },
    get count() {
      return count;
    },
    close() {
      isClosed = true;
      clearInterval(beating);
      clearInterval(checking);
      for (const streams of groups) for (const stream of [...streams]) stream.end();
    },
  };
}

/** The HTTP/2 stream of a reply; null if it has a connection of its own. */
function sharedOf(raw: FastifyReply['raw'] | Http2ServerResponse): ServerHttp2Stream | null {
  return raw instanceof Http2ServerResponse ? raw.stream : null;
}

const ignore = () => undefined;
