import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Ledger, Violation } from './ledger.ts';

/** The external API to which the forwarder sends new accounts. It refuses some requests and loses some replies. */
export interface ContactsApi {
  /** The idempotency keys of each address that it has taken, by address. */
  taken: ReadonlyMap<string, ReadonlySet<string>>;
  close(): Promise<void>;
}

const failedShare = 0.1;
const lostShare = 0.05;
const pollMs = 500;

/**
 * Starts the API and makes it the target of the system that will run on the data folder.
 *
 * @param random draws the requests that fail.
 */
export async function startContactsApi(
  dataDir: string,
  random: () => number,
): Promise<ContactsApi> {
  const taken = new Map<string, Set<string>>();
  const server = createServer((request, response) => {
    const answer = async () => {
      const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>);
      const { email } = JSON.parse(Buffer.concat(chunks).toString()) as { email: string };
      if (random() < failedShare) return response.writeHead(503).end();
      const keys = taken.get(email) ?? new Set();
      taken.set(email, keys.add(String(request.headers['idempotency-key'])));
      if (random() < lostShare) return request.socket.destroy();
      return response.writeHead(201).end();
    };
    answer().catch(() => request.socket.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const folder = join(dataDir, 'forwarder');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const target = { url: `http://127.0.0.1:${port}`, body: { email: '{{email}}' } };
  writeFileSync(join(folder, 'target'), JSON.stringify(target));
  return {
    taken,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Every verified account comes to the external API, all tries of it with one key. */
export async function checkContacts(
  { taken }: ContactsApi,
  ledger: Ledger,
  deadlineMs: number,
  signal: AbortSignal,
): Promise<Violation[]> {
  const verified = ledger.signUps.filter(({ isVerified }) => isVerified);
  const missing = () => verified.filter(({ email }) => !taken.has(email));
  const deadline = performance.now() + deadlineMs;
  while (missing().length > 0 && performance.now() < deadline) {
    await delay(pollMs, undefined, { signal });
  }
  const lost = missing().map(({ acknowledgedAtMs: atMs }) => ({
    what: 'an account was not forwarded to the external API',
    atMs,
  }));
  const doubled = [...taken.values()].filter((keys) => keys.size > 1);
  return [
    ...lost,
    ...doubled.map((keys) => ({
      what: `an account has ${keys.size} idempotency keys`,
      atMs: null,
    })),
  ];
}
