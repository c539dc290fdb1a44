import * as http from 'node:http';
import * as https from 'node:https';
import { setTimeout as delay } from 'node:timers/promises';
import type { Contract } from '@queue-manager/contracts/contract';
import { type Addresses, isRefusal } from '@queue-manager/service-kit/addresses';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  type Forwarding,
  serviceAway,
  silenceMsMax,
  toCaller,
  toService,
  upstreamPath,
} from './upstream.ts';

/** Makes the handler of a stream's route: it opens the stream at the service that answers it. */
export type ForwardStream = (
  contract: Contract,
) => (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>;

/** Between two rounds of asking for a stream that nobody can give at the moment. */
const pauseMsMin = 100;
const pauseMsMax = 2_000;

/** A call to a service that is to become a stream. */
type Opening = {
  from: FastifyRequest;
  path: string;
  /** The attempt of the moment. */
  attempt?: http.ClientRequest;
  /** The caller has gone. */
  isOver: boolean;
};

/**
 * Passes streams of events through: each piece at once, for as long as both sides stay, at the pace of whoever
 * reads. Each has a connection of its own to the service, so that neither streams nor calls wait for one.
 */
export function createForwardStream(
  app: FastifyInstance,
  { upstreams, timeoutMs }: Forwarding,
): ForwardStream {
  const agents = { 'http:': new http.Agent(), 'https:': new https.Agent() };
  const flowing = new Map<http.ServerResponse, http.IncomingMessage>();
  let isStopping = false;
  // A stream would keep the gateway from stopping; its client opens another one elsewhere.
  app.addHook('preClose', async () => {
    isStopping = true;
    for (const [caller, answer] of flowing) end(caller, answer);
  });

  /** Resolves when the service begins to answer; throws what the connection threw. */
  function ask(address: string, opening: Opening): Promise<http.IncomingMessage> {
    const { protocol, hostname, port } = new URL(address);
    const { from, path } = opening;
    const isSecure = protocol === 'https:';
    const attempt = (isSecure ? https : http).request({
      agent: isSecure ? agents['https:'] : agents['http:'],
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      path,
      method: from.method,
      headers: toService(from, from.headers),
      timeout: timeoutMs,
    });
    opening.attempt = attempt;
    const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
    attempt.on('timeout', () => attempt.destroy(new Error('The service is silent')));
    attempt.on('error', reject);
    attempt.on('response', (answer) => {
      attempt.setTimeout(silenceMsMax);
      resolve(answer);
    });
    attempt.end();
    return promise;
  }

  /**
   * Asks until somebody can answer, for as long as a service may take to: a browser opens a stream that broke
   * again by itself, but gives one up for good that was refused. Null when the caller did not wait.
   */
  async function open(
    addresses: Addresses,
    opening: Opening,
  ): Promise<http.IncomingMessage | null> {
    const asksEnd = performance.now() + timeoutMs;
    for (let pauseMs = pauseMsMin; ; pauseMs = Math.min(2 * pauseMs, pauseMsMax)) {
      let reason: unknown;
      const isLast = () => isStopping || performance.now() + pauseMs > asksEnd;
      for (const address of addresses.turn()) {
        try {
          const answer = await ask(address, opening);
          if (answer.statusCode !== 503 || isLast()) return answer;
          answer.destroy();
        } catch (error) {
          reason = error;
          if (isRefusal(error)) addresses.rest(address);
        }
        if (opening.isOver) return null;
      }
      if (isLast()) throw serviceAway(reason);
      await delay(pauseMs);
      if (opening.isOver) return null;
    }
  }

  return (contract) => {
    const pathOf = upstreamPath(contract.url);
    const addresses = upstreams[contract.service];

    return async (request, reply) => {
      const caller = reply.raw;
      const query = /\?.*$/.exec(request.raw.url ?? '')?.[0] ?? '';
      const path = pathOf(request.params as Record<string, string>) + query;
      const opening: Opening = { from: request, path, isOver: false };
      caller.on('close', () => {
        opening.isOver = true;
        opening.attempt?.destroy();
        flowing.delete(caller);
      });

      const answer = await open(addresses, opening);
      if (answer === null || opening.isOver) return reply.hijack();
      const headers = toCaller(answer.headers);
      if (answer.statusCode !== contract.status || isStopping) {
        return reply
          .code(answer.statusCode as number)
          .headers(headers)
          .send(answer);
      }

      reply.hijack();
      flowing.set(caller, answer);
      answer.on('error', () => caller.destroy());
      // Its connection ends with the stream, so that pieces need no frames, and nothing is left to wait for.
      caller.shouldKeepAlive = false;
      caller.removeHeader('transfer-encoding');
      caller.writeHead(answer.statusCode, {
        ...(reply.getHeaders() as http.OutgoingHttpHeaders),
        ...headers,
      });
      caller.flushHeaders();
      // Past the response, which would look at each piece again.
      answer.pipe(caller.socket ?? caller);
      return reply;
    };
  };
}

/** Ends a stream; one whose reader does not take what was written already would never end by itself. */
function end(caller: http.ServerResponse, answer: http.IncomingMessage): void {
  answer.unpipe();
  if (caller.socket?.writableNeedDrain === true) caller.destroy();
  else caller.end();
}
