/**
 * Clients of live streams over plain sockets. Each keeps its last event and when it arrived, and parses so little
 * that it does not slow down what is measured.
 */
import { createConnection, type Socket } from 'node:net';
import { answerQuestions, sharedMs } from '../measure/worker.ts';

const openAtOnce = 100;

type Client = {
  socket: Socket;
  tail: string;
  seq: number;
  state: string;
  /** When its state arrived. */
  stateAt: number;
  /** Received an event since the last `mark`. */
  hasReceived: boolean;
};

export type Open = { url: string; paths: string[]; from: string };
/** How many waiting clients received an event, when the last one did, and the bytes of one event. */
export type Received = { count: number; lastAt: number; sample: string };

let clients: Client[] = [];
let broken = 0;
let missing = 0;
let received = 0;
let lastAt = 0;
let sample = '';
let settle: (() => void) | undefined;

function onData(client: Client, piece: Buffer): void {
  const text = client.tail + piece.toString('latin1');
  const isWhole = text.endsWith('\n\n') || text.endsWith('\n\n\r\n');
  client.tail = isWhole ? '' : text.slice(-1_000);
  const at = text.lastIndexOf('"seq":');
  if (at === -1) return;
  const seq = Number.parseInt(text.slice(at + 6, at + 18), 10);
  const end = text.indexOf('}', at);
  if (end === -1 || seq <= client.seq) return;
  client.seq = seq;
  const now = sharedMs();
  const state = /"state":"(\w+)"/.exec(text.slice(text.lastIndexOf('"state":'), at))?.[1] ?? '';
  if (state !== client.state) {
    client.state = state;
    client.stateAt = now;
  }
  if (state !== 'waiting' || client.hasReceived) return;
  client.hasReceived = true;
  received += 1;
  lastAt = now;
  sample = text.slice(Math.max(0, text.lastIndexOf('event:', at)), end + 3);
  if (received >= missing) settle?.();
}

function open(from: string, url: URL, path: string): Promise<Client> {
  const { promise, resolve, reject } = Promise.withResolvers<Client>();
  const socket = createConnection({
    host: url.hostname,
    port: Number(url.port),
    localAddress: from,
  });
  const client = { socket, tail: '', seq: -1, state: '', stateAt: 0, hasReceived: false };
  socket.setNoDelay(true);
  socket.on('data', (piece: Buffer) => {
    onData(client, piece);
    if (client.seq >= 0) resolve(client);
    else if (/^HTTP\/1.1 [345]/.test(piece.toString('latin1', 0, 12)))
      reject(new Error(String(piece)));
  });
  socket.on('error', reject);
  socket.on('close', () => {
    broken += 1;
    reject(new Error('closed'));
  });
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\n\r\n`);
  return promise;
}

answerQuestions(
  {
    /** Opens a stream per path and waits for the first event of each. */
    async open({ url, paths, from }: Open): Promise<number> {
      broken = 0;
      const base = new URL(url);
      let next = 0;
      const opened: Client[] = [];
      await Promise.all(
        Array.from({ length: openAtOnce }, async () => {
          for (let index = next++; index < paths.length; index = next++) {
            opened[index] = await open(from, base, paths[index] as string);
          }
        }),
      );
      clients = opened;
      return clients.length;
    },
    /** Expects an event for every waiting client from now on, and returns their number. */
    mark(): number {
      received = 0;
      for (const client of clients) client.hasReceived = false;
      return clients.filter(({ state }) => state === 'waiting').length;
    },
    /** Waits until so many clients have received an event. */
    async received({ count, withinMs }: { count: number; withinMs: number }): Promise<Received> {
      missing = count;
      if (received < missing) {
        const { promise, resolve } = Promise.withResolvers<void>();
        settle = resolve;
        const timer = setTimeout(resolve, withinMs);
        await promise;
        clearTimeout(timer);
        settle = undefined;
      }
      return { count: received, lastAt, sample };
    },
    /** When this client received its call; null when it did not. */
    calledAt({ index }: { index: number }): number | null {
      const client = clients[index];
      return client?.state === 'called' ? client.stateAt : null;
    },
    broken: () => broken,
    close() {
      for (const { socket } of clients) socket.destroy();
      clients = [];
    },
  },
  async () => {
    for (const { socket } of clients) socket.destroy();
  },
);
