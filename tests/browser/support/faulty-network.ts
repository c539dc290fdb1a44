import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gatewayUrl } from '../../support/system.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, pass: Pass) => void;
/** Forwards the request; `change` takes the answer instead of sending it. */
type Pass = (change?: (answer: IncomingMessage) => void) => void;

export type FaultyNetwork = {
  url: string;
  /** Handles each request from now on; passes everything by default. */
  handle(handler: Handler): void;
  close(): Promise<void>;
};

/** A faulty network between a phone and the gateway of the system under test. */
export async function openFaultyNetwork(): Promise<FaultyNetwork> {
  let handler: Handler = (_request, _response, pass) => pass();
  const server = createServer((received, response) => {
    handler(received, response, (change) => {
      const { url = '/', method, headers } = received;
      const forwarded = request(new URL(url, gatewayUrl), { method, headers });
      forwarded.on('response', (answer) => {
        if (change !== undefined) return change(answer);
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        response.flushHeaders();
        answer.pipe(response);
        answer.on('error', () => response.destroy());
      });
      forwarded.on('error', () => response.destroy());
      response.on('close', () => forwarded.destroy());
      received.pipe(forwarded);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    handle(next) {
      handler = next;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function isJoin({ method, url = '' }: IncomingMessage): boolean {
  return method === 'POST' && url.startsWith('/v1/join/');
}
