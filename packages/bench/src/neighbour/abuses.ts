import { Agent, type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import type { Line } from '../measure/running-system.ts';

/** What the abuser has: an account with a venue, its queues, and several addresses. */
export type Means = {
  url: string;
  headers: Record<string, string>;
  /** With 40,000 waiting. */
  long: Line;
  /** With 50,000 waiting. */
  closing: Line;
  boards: Line[];
};

type Call = { method?: 'GET' | 'POST'; path: string; from?: string; body?: string };

/** Number of responses by status; `none` for calls without a response. */
export type Statuses = Record<string, number>;

/** After a refusal. Faster calls would only use the CPU that all share here. */
const refusedPauseMs = 100;
const addresses = ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5'];
const addressOf = (index: number) => addresses[index % addresses.length] as string;

/** The connections of one abuse. */
export class Attack {
  readonly statuses: Statuses = {};
  readonly #means: Means;
  readonly #url: URL;
  readonly #agents = new Map(
    addresses.map((localAddress) => [localAddress, new Agent({ keepAlive: true, localAddress })]),
  );
  readonly #sockets: Socket[] = [];
  readonly #timers: NodeJS.Timeout[] = [];
  #isOver = false;

  constructor(means: Means) {
    this.#means = means;
    this.#url = new URL(means.url);
  }

  /** Makes a call and discards the response. Returns its status; null without one. */
  async call({ method = 'GET', path, from = addressOf(0), body }: Call): Promise<number | null> {
    const { promise, resolve } = Promise.withResolvers<number | null>();
    const asked = request(
      new URL(path, this.#url),
      {
        method,
        headers: { ...this.#means.headers, ...(body && { 'content-length': body.length }) },
        agent: this.#agents.get(from),
      },
      (response: IncomingMessage) => {
        response.resume();
        response.on('close', () => resolve(response.statusCode ?? null));
      },
    );
    asked.on('error', () => resolve(null));
    asked.end(body);
    const status = await promise;
    if (!this.#isOver) this.#count(status);
    return status;
  }

  /** Keeps so many connections busy until the end. */
  flood(connections: number, callOf: (index: number) => Call): void {
    let index = 0;
    const keepCalling = async () => {
      while (!this.#isOver) {
        const status = await this.call(callOf(index++));
        if (status === null || status >= 400) await this.#pause(refusedPauseMs);
      }
    };
    for (let n = 0; n < connections; n += 1) void keepCalling();
  }

  /** Does something every so many milliseconds until the end. */
  repeat(everyMs: number, work: () => void): void {
    this.#timers.push(setInterval(work, everyMs));
  }

  /** Opens a connection that asks for a path and is read by `read` alone. */
  open({ path, from = addressOf(0) }: Call, read: (socket: Socket) => void): void {
    const { hostname, port, host } = this.#url;
    const socket = createConnection({ host: hostname, port: Number(port), localAddress: from });
    socket.on('error', () => {});
    const { authorization } = this.#means.headers;
    socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\n\r\n`,
    );
    this.#sockets.push(socket);
    read(socket);
  }

  /** Counts the status in the first bytes of a response, and discards the rest. */
  discard(socket: Socket): void {
    socket.once('data', (piece) => {
      this.#count(Number(piece.toString('latin1', 9, 12)));
      socket.resume();
    });
  }

  end(): void {
    this.#isOver = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.destroy();
    for (const agent of this.#agents.values()) agent.destroy();
  }

  #count(status: number | null): void {
    const key = String(status ?? 'none');
    this.statuses[key] = (this.statuses[key] ?? 0) + 1;
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#timers.push(setTimeout(resolve, ms));
    await promise;
  }
}

const unknownKeys = JSON.stringify(
  Object.fromEntries(Array.from({ length: 18_000 }, (_, index) => [`k${index}`, 1])),
);

/** One in turn; the last leaves work behind. */
export const abuses: Record<string, (attack: Attack, means: Means) => void> = {
  'QR codes, 20 at once': (attack, { long }) =>
    attack.flood(20, () => ({ path: `/v1/queues/${long.id}/qr.png` })),

  'reports of 40,000 parties, 60 at once': (attack, { long }) =>
    attack.flood(60, () => ({ path: `/v1/queues/${long.id}/report` })),

  'pages of a line of 40,000, 16 at once': (attack, { long }) =>
    attack.flood(16, () => ({ path: `/v1/queues/${long.id}/parties?limit=100` })),

  'bodies of 18,000 unknown keys, 12 a second': (attack, { long }) =>
    attack.repeat(
      1_000 / 12,
      () =>
        void attack.call({ method: 'POST', path: `/v1/join/${long.joinCode}`, body: unknownKeys }),
    ),

  '140 downloads that are never read': (attack, { long }) => {
    for (let n = 0; n < 140; n += 1) {
      attack.open({ path: `/v1/queues/${long.id}/parties.csv` }, (socket) => socket.pause());
    }
  },

  'sign-ins, 400 at once': (attack) =>
    attack.flood(400, (index) => ({
      method: 'POST',
      path: '/v1/auth/login',
      from: addressOf(index),
      body: JSON.stringify({ email: `guess-${index}@example.com`, password: 'a wrong guess' }),
    })),

  '6,000 board streams, within 6 seconds': (attack, { boards }) => {
    let opened = 0;
    attack.repeat(10, () => {
      for (let n = 0; n < 10 && opened < 6_000; n += 1, opened += 1) {
        const { id } = boards[opened % boards.length] as Line;
        attack.open({ path: `/v1/live/boards/${id}`, from: addressOf(opened) }, (socket) =>
          attack.discard(socket),
        );
      }
    });
  },

  'closing a queue of 50,000, with 60 joins at once': (attack, { closing }) => {
    attack.flood(60, () => ({
      method: 'POST',
      path: `/v1/join/${closing.joinCode}`,
      body: '{"name":"Rui Gomes"}',
    }));
    void attack.call({
      method: 'POST',
      path: `/v1/queues/${closing.id}/close`,
      body: '{"expireWaiting":true}',
    });
  },
};
