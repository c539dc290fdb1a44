import { constants, Http2ServerResponse, type ServerHttp2Stream } from 'node:http2';
import type { Writable } from 'node:stream';
import type { FastifyReply } from 'fastify';

/** A client that lost its stream comes back after this, and a little more, so that not all come at once. */
const retryMs = 2_000;
const retryJitterMs = 1_000;
/**
 * A stream that was silent for this long says something. What was sent just after one look counts at the next,
 * so silence lasts up to twice as long: less than the 15 s that are promised.
 */
const usualBeatMs = 6_000;
const beatGroups = 20;
const drainLookMs = 100;
const comment = ':\n\n';
/** What goes on a connection that others share leaves when the turn ends: so much does not count as left behind. */
const sharedBytesMax = 2_048;

export type EventStreamHandlers = {
  /** What was sent has left; a stream that skipped something sends it now. */
  onDrained?(): void;
  /** Nothing was sent for a while. True when this sent something, so that no comment has to. */
  onBeat?(): boolean;
  /** The stream is over, whoever ended it. */
  onClosed(): void;
};

export type EventStream = {
  /** Whether what was sent has left this process. While not, send only what must not be skipped. */
  readonly isDrained: boolean;
  readonly isOpen: boolean;
  /** Sends a whole event, `event: …\ndata: …\n\n`. */
  send(event: string): void;
  /** Ends the stream; the client comes back after `comeBackMs`, or as it was told at the start. */
  end(comeBackMs?: number): void;
};

export type EventStreams = {
  /** Takes a reply over and makes it a stream that begins with `first`. */
  open(reply: FastifyReply, given: EventStreamHandlers & { first: string }): EventStream;
  readonly count: number;
  close(): void;
};

/** One named event of a stream; `data` in one line, as JSON is. */
export function eventOf(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

/**
 * Streams of server-sent events, many thousands a process, each on a bare connection or with others on a shared
 * one: one timer for all, nothing kept of what was sent, and a reader who does not read is dropped.
 */
export function createEventStreams(
  limits: {
    /** A reader who has not taken what was sent for this long is dropped. */
    undrainedMsMax?: number;
    /** Or when so much waits for it. */
    bufferBytesMax?: number;
    beatMs?: number;
  } = {},
): EventStreams {
  const { undrainedMsMax = 30_000, bufferBytesMax = 64 * 1024, beatMs = usualBeatMs } = limits;

  /** Streams by when they are looked at, so that a crowd is not served in one go. */
  const groups = Array.from({ length: beatGroups }, () => new Set<Stream>());
  const undrained = new Set<Stream>();
  let count = 0;
  let turn = 0;
  let isClosed = false;

  const beating = setInterval(() => {
    turn = (turn + 1) % beatGroups;
    for (const stream of groups[turn] as Set<Stream>) stream.beat();
  }, beatMs / beatGroups);
  beating.unref();

  const looking = setInterval(() => {
    for (const stream of undrained) stream.look();
  }, drainLookMs);
  looking.unref();

  // A class, since ten thousand of them share its functions.
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
      // Looked at for the first time after nearly a whole round.
      this.#group = groups[turn] as Set<Stream>;
      this.#group.add(this);
      count += 1;
      raw.on('close', () => this.#closed());
      raw.on('error', ignore);
    }

    get isDrained(): boolean {
      return this.#connection.writableLength <= (this.#shared === null ? 0 : sharedBytesMax);
    }

    /** The reader had gone before it was answered. */
    get isBroken(): boolean {
      return this.#connection.destroyed;
    }

    send(event: string): void {
      if (!this.isOpen) return;
      this.#hasSent = true;
      // Not through the response, which would hold it back until the turn ends, and say that it has not left.
      this.#connection.write(event);
      if (this.isDrained) return;
      if (this.#connection.writableLength > bufferBytesMax) this.#drop();
      else this.watch();
    }

    end(comeBackMs?: number): void {
      if (!this.isOpen) return;
      if (comeBackMs !== undefined) this.#raw.write(`retry: ${comeBackMs}\n\n`);
      this.#raw.end();
      // What does not leave now would keep the connection, and the process, open.
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

    /** Looks now and then whether what was sent has left: without an event for each of many writes. */
    watch(): void {
      if (undrained.has(this)) return;
      this.#undrainedSince = performance.now();
      undrained.add(this);
    }

    look(): void {
      if (this.isDrained) {
        undrained.delete(this);
        this.#handlers.onDrained?.();
      } else if (performance.now() - this.#undrainedSince > undrainedMsMax) {
        this.#drop();
      }
    }

    #drop(): void {
      // Said as it is: the other side is to let go of what it has not passed on, rather than end the stream.
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
      // The end of the connection is the end of the stream, so nothing has to be framed.
      raw.removeHeader('transfer-encoding');
      raw.writeHead(200, {
        'content-type': 'text/event-stream',
        'cache-control': 'no-store',
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
      clearInterval(looking);
      for (const group of groups) for (const stream of [...group]) stream.end();
    },
  };
}

/** The stream of a reply within a connection that others share; null when it has a connection of its own. */
function sharedOf(raw: FastifyReply['raw'] | Http2ServerResponse): ServerHttp2Stream | null {
  return raw instanceof Http2ServerResponse ? raw.stream : null;
}

const ignore = () => undefined;
