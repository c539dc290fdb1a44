import * as http from 'node:http';
import * as http2 from 'node:http2';
import * as https from 'node:https';
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { credentialHeader, isCredential } from './internal-credential.ts';
import { runInContext } from './request-context.ts';

/** What a connection is asked to become: from then on it speaks HTTP/2 (RFC 9113), without negotiation. */
const protocol = 'shared-http2';

/** A stopping service gives what was sent last so long to leave. */
const lastWordsMs = 1_000;

/** Who does not answer for this long counts as gone. */
const usualSilenceMsMax = 20_000;

/** As much may be on its way to a client for all streams of a connection; a stream by itself has 64 KiB. */
const connectionWindowBytes = 16 * 1_024 * 1_024;

/** Node's own limits are for strangers. Here a burst is ten thousand guests who leave in the same second. */
const limits = {
  maxSessionMemory: 1_024,
  streamResetBurst: 1_000_000,
  streamResetRate: 1_000_000,
} satisfies http2.ServerOptions & http2.ClientSessionOptions;

/** Whether a request asks for its connection to be shared; any other upgrade is ignored. */
export function asksToShare(request: http.IncomingMessage): boolean {
  return request.headers.upgrade === protocol;
}

export type SharedConnectionOptions = {
  internalCredential: string;
  /** The other side counts as gone when it does not answer for so many milliseconds; 20,000 by default. */
  silenceMsMax?: number;
};

/**
 * Lets another service of the system have any number of requests to `app` on one connection, those that stay
 * open for hours as well: a stream of events then costs neither side a socket. The app's routes answer them as they
 * answer all others. Whoever does not know the service credential is refused.
 */
export function acceptSharedConnections(
  app: FastifyInstance,
  { internalCredential, silenceMsMax = usualSilenceMsMax }: SharedConnectionOptions,
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
  // A connection that breaks ends its streams, each of which is told.
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
    // As HTTP/2 has it, and unlike a server of HTTP/1: who has ended it takes no more answers.
    socket.allowHalfOpen = false;
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: ${protocol}\r\n\r\n`,
    );
    if (head.length > 0) socket.unshift(head);
    server.emit('connection', socket);
  });

  app.addHook('preClose', async () => {
    for (const session of sessions) session.close();
    // A connection that stays half open would keep the app from closing.
    setTimeout(() => {
      for (const socket of sockets) socket.destroy();
    }, lastWordsMs).unref();
  });
}

export type SharedConnections = {
  /**
   * The connection to an address, for one more request on it; made when there is none. Throws what the connection
   * threw, and an error when nobody there takes shared connections.
   */
  to(address: string): Promise<http2.ClientHttp2Session>;
  /** Ends all connections, and the requests on them. */
  close(): void;
};

/** One connection to each address, for any number of requests at once to services of the system. */
export function createSharedConnections(
  given: SharedConnectionOptions & {
    /** How long making a connection may take, in milliseconds. */
    connectTimeoutMs: number;
  },
): SharedConnections {
  const { internalCredential, connectTimeoutMs, silenceMsMax = usualSilenceMsMax } = given;
  const sessions = new Map<string, Promise<http2.ClientHttp2Session>>();

  function connect(address: string): Promise<http2.ClientHttp2Session> {
    const { promise, resolve, reject } = Promise.withResolvers<http2.ClientHttp2Session>();
    const asking = (address.startsWith('https:') ? https : http).request(address, {
      agent: false,
      headers: {
        connection: 'upgrade',
        upgrade: protocol,
        [credentialHeader]: internalCredential,
      },
      timeout: connectTimeoutMs,
    });
    asking.on('timeout', () => asking.destroy(new Error('The service is silent')));
    asking.on('error', reject);
    asking.on('response', ({ statusCode }) => {
      asking.destroy();
      reject(new Error(`No shared connection: the service answered ${statusCode}`));
    });
    asking.on('upgrade', (_answer, socket, head) => {
      socket.setTimeout(0);
      socket.setKeepAlive(true);
      if (head.length > 0) socket.unshift(head);
      const session = http2.connect(address, { ...limits, createConnection: () => socket });
      const forget = () => {
        if (sessions.get(address) === promise) sessions.delete(address);
      };
      // The service stops: what is on its way still arrives.
      session.on('goaway', () => {
        forget();
        session.close();
      });
      session.on('close', () => {
        forget();
        reject(new Error('The connection closed at once'));
      });
      // Each of its streams is told as well.
      session.on('error', reject);
      session.on('connect', () => {
        session.setLocalWindowSize(connectionWindowBytes);
        endWhenSilent(session, silenceMsMax);
        resolve(session);
      });
    });
    asking.end();
    return promise;
  }

  return {
    to(address) {
      const known = sessions.get(address);
      if (known !== undefined) return known;
      // For no request in particular, whoever asked first.
      const made = runInContext({}, () => connect(address));
      sessions.set(address, made);
      made.catch(() => {
        if (sessions.get(address) === made) sessions.delete(address);
      });
      return made;
    },
    close() {
      for (const made of sessions.values()) {
        made.then(
          (session) => session.destroy(),
          () => undefined,
        );
      }
      sessions.clear();
    },
  };
}

/** Asks now and then: what a session sends itself would count as activity for its own timeout. */
function endWhenSilent(session: http2.Http2Session, silenceMsMax: number): void {
  let isAnswered = true;
  const asking = setInterval(() => {
    // It is over, and its socket waits for the other side to close: nobody can be asked any more.
    if (session.destroyed) {
      clearInterval(asking);
      return;
    }
    if (!isAnswered) {
      // Unless the answer is there, and this process was too busy to take it.
      setImmediate(() => {
        if (!isAnswered) session.destroy();
      });
      return;
    }
    isAnswered = false;
    session.ping((error) => {
      if (error === null) isAnswered = true;
    });
  }, silenceMsMax / 2);
  asking.unref();
  session.on('close', () => clearInterval(asking));
}

const ignore = () => undefined;
