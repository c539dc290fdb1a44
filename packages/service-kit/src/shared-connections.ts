import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { credentialHeader, isCredential, sentCredential } from './internal-credential.ts';
import { runInContext } from './trace-context.ts';

/** Value of the `Upgrade` header. After the upgrade the connection speaks HTTP/2 (RFC 9113) without negotiation. */
const protocol = 'shared-http2';

/** How long a stopping service waits for its last responses to be sent. */
const flushMs = 1_000;

/** A peer that sends nothing for this long counts as gone. */
const silenceMsMaxDefault = 20_000;

/** HTTP/2 flow-control window of a connection, for all its streams; each stream has 64 KiB. */
const connectionWindowBytes = 16 * 1_024 * 1_024;

/** Node's defaults defend against strangers. Here ten thousand guests may leave in the same second. */
const limits = {
  maxSessionMemory: 1_024,
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
} satisfies http2.ServerOptions & http2.ClientSessionOptions;

/** Whether a request wants to upgrade to a shared connection; other upgrades are ignored. */
export function isSharedUpgrade(request: http.IncomingMessage): boolean {
  return request.headers.upgrade === protocol;
}

type SharedConnectionOptions = {
  internalCredential: string;
  /** A peer that sends nothing for this long counts as gone; 20,000 by default. */
  silenceMsMax?: number;
};

/**
 * Lets other services multiplex any number of requests to `app` over one connection, so that an event stream that
 * stays open for hours needs no socket of its own. The app's routes handle them like all other requests. Requires
 * the internal credential.
 */
export function acceptSharedConnections(
  app: FastifyInstance,
  { internalCredential, silenceMsMax = silenceMsMaxDefault }: SharedConnectionOptions,
): void {
  const sessions = new Set<http2.ServerHttp2Session>();
  const sockets = new Set<Duplex>();
  const server = http2.createServer(limits, (request, response) => {
    app.routing(
      request as unknown as http.IncomingMessage,
      response as unknown as http.ServerResponse,
    );
  });
  server.on('session', (session) => {
    sessions.add(session);
    endWhenSilent(session, silenceMsMax);
    session.on('close', () => sessions.delete(session));
  });
  // A broken connection closes its streams, which report the error themselves.
  server.on('sessionError', ignore);

  app.server.on('upgrade', (request: http.IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', ignore);
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    if (!isCredential(request.headers[credentialHeader], internalCredential)) {
      socket.end(
        'HTTP/1.1 401 Unauthorized\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
        () => socket.destroy(),
      );
      return;
    }
    // Unlike HTTP/1, an HTTP/2 peer that ended the connection reads no more responses.
    socket.allowHalfOpen = false;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    server.emit('connection', socket);
  });

  app.addHook('preClose', async () => {
    for (const session of sessions) session.close();
    // A half-open connection would keep the app from closing.
    setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, flushMs).unref();
  });
}

export type SharedConnections = {
  /**
   * The connection to an address; opened when there is none. Throws when the connection fails, or the server does
   * not accept shared connections.
   */
  to(address: string): Promise<http2.ClientHttp2Session>;
  /** Closes all connections, with the requests on them. */
  close(): void;
};

/** One connection per address, which any number of concurrent requests share. */
export function createSharedConnections(
  options: SharedConnectionOptions & {
    connectTimeoutMs: number;
  },
): SharedConnections {
  const { internalCredential, connectTimeoutMs, silenceMsMax = silenceMsMaxDefault } = options;
  const sessions = new Map<string, Promise<http2.ClientHttp2Session>>();

  function connect(address: string): Promise<http2.ClientHttp2Session> {
    const { promise, resolve, reject } = Promise.withResolvers<http2.ClientHttp2Session>();
    const request = (address.startsWith('https:') ? https : http).request(address, {
      agent: false,
      headers: {
        connection: 'upgrade',
        upgrade: protocol,
        [credentialHeader]: sentCredential(internalCredential),
      },
      timeout: connectTimeoutMs,
    });
    request.on('timeout', () => request.destroy(new Error('The service sent no response in time')));
    request.on('error', reject);
    request.on('response', ({ statusCode }) => {
      request.destroy();
      reject(new Error(`No shared connection: the service responded with ${statusCode}`));
    });
    request.on('upgrade', (_response, socket, head) => {
      socket.setTimeout(0);
      socket.setKeepAlive(true);
      if (head.length > 0) socket.unshift(head);
      const session = http2.connect(address, { ...limits, createConnection: () => socket });
      const forget = () => {
        if (sessions.get(address) === promise) sessions.delete(address);
      };
      // The service stops. Responses in flight still arrive.
      session.on('goaway', () => {
        forget();
        session.close();
      });
      session.on('close', () => {
        forget();
        reject(new Error('The connection was closed immediately'));
      });
      // Its streams report the error, too.
      session.on('error', reject);
      session.on('connect', () => {
        session.setLocalWindowSize(connectionWindowBytes);
        endWhenSilent(session, silenceMsMax);
        resolve(session);
      });
    });
    request.end();
    return promise;
  }

  return {
    to(address) {
      const known = sessions.get(address);
      if (known !== undefined) return known;
      // Shared, so not in the context of the request that came first.
      const session = runInContext({}, () => connect(address));
      sessions.set(address, session);
      session.catch(() => {
        if (sessions.get(address) === session) sessions.delete(address);
      });
      return session;
    },
    close() {
      for (const opening of sessions.values()) {
        opening.then(
          (session) => session.destroy(),
          () => undefined,
        );
      }
      sessions.clear();
    },
  };
}

/** Pings the peer. A session's own timeout would not do: data it sends counts as activity. */
function endWhenSilent(session: http2.Http2Session, silenceMsMax: number): void {
  let isAcknowledged = true;
  const timer = setInterval(() => {
    // A destroyed session throws on ping; its close event waits for the peer.
    if (session.destroyed) {
      clearInterval(timer);
      return;
    }
    if (!isAcknowledged) {
      // The acknowledgement may have arrived while this process was too busy to read it.
      setImmediate(() => {
        if (!isAcknowledged) session.destroy();
      });
      return;
    }
    isAcknowledged = false;
    session.ping((error) => {
      if (error === null) isAcknowledged = true;
    });
  }, silenceMsMax / 2);
  timer.unref();
  session.on('close', () => clearInterval(timer));
}

const ignore = () => undefined;
