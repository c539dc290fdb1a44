import { Agent, type IncomingMessage, request } from 'node:http';
import { createConnection, type Socket } from 'node:net';
import type { Line } from '../measure/running-system.ts';

/** What the abuser has: an account with a venue, its queues, and several addresses. */
export type Means = {
  url: string;
  headers: Record<string, string>;
  venueId: string;
  /** With 40,000 waiting. */
  long: Line;
  /** With 50,000 waiting. */
  closing: Line;
  boards: Line[];
};

type Call = { method?: 'GET' | 'POST' | 'PATCH'; path: string; from?: string; body?: string };

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

  /** The head of a request, with the abuser's token and further header lines. */
  headOf({ method = 'GET', path }: Call, ...lines: string[]): string {
    const authorization = `Authorization: ${this.#means.headers.authorization}`;
    const head = [`${method} ${path} HTTP/1.1`, `Host: ${this.#url.host}`, authorization, ...lines];
    return `${head.join('\r\n')}\r\n\r\n`;
  }

  /** Opens a connection that nothing is sent on, and that nobody reads. */
  connect(from = addressOf(0)): Socket {
    const { hostname, port } = this.#url;
    const socket = createConnection({ host: hostname, port: Number(port), localAddress: from });
    socket.on('error', () => {});
    this.#sockets.push(socket);
    return socket;
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

const json = 'Content-Type: application/json';
const nested = '['.repeat(120_000);
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
      attack.connect().write(attack.headOf({ path: `/v1/queues/${long.id}/parties.csv` }));
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
        const socket = attack.connect(addressOf(opened));
        socket.write(attack.headOf({ path: `/v1/live/boards/${id}` }));
        attack.discard(socket);
      }
    });
  },

  '2,900 pipelined reads over five connections, every two seconds': (attack, { long }) => {
    const reads = attack.headOf({ path: `/v1/join/${long.joinCode}` }).repeat(580);
    attack.repeat(2_000, () => {
      for (let n = 0; n < 5; n += 1) {
        const socket = attack.connect();
        socket.write(reads);
        attack.discard(socket);
      }
    });
  },

  '400 bodies that come byte by byte': (attack, { long }) => {
    const head = { method: 'POST', path: `/v1/join/${long.joinCode}` } as const;
    const sockets = Array.from({ length: 400 }, (_, index) => attack.connect(addressOf(index)));
    for (const socket of sockets) {
      socket.write(attack.headOf(head, json, 'Content-Length: 100000'));
      attack.discard(socket);
    }
    attack.repeat(200, () => {
      for (const socket of sockets) socket.write(' ');
    });
  },

  '3,000 connections without a request': (attack) => {
    for (let n = 0; n < 3_000; n += 1) attack.discard(attack.connect(addressOf(n)));
  },

  'bodies nested 120,000 deep, 12 a second': (attack, { long }) =>
    attack.repeat(
      1_000 / 12,
      () => void attack.call({ method: 'POST', path: `/v1/join/${long.joinCode}`, body: nested }),
    ),

  'streams of all events of a long queue, 20 at once, again and again': (attack, { long }) => {
    const request = attack.headOf({ path: `/v1/live/queues/${long.id}` }, 'Last-Event-ID: 0');
    const follow = () => {
      const socket = attack.connect();
      socket.write(request);
      attack.discard(socket);
      return socket;
    };
    const streams = Array.from({ length: 20 }, follow);
    attack.repeat(500, () => {
      for (const [index, stream] of streams.entries()) {
        stream.destroy();
        streams[index] = follow();
      }
    });
  },

  'joins with e-mails to eight queues, 40 at once': (attack, { boards }) =>
    attack.flood(40, (index) => ({
      method: 'POST',
      path: `/v1/join/${(boards[index % boards.length] as Line).joinCode}`,
      from: addressOf(index),
      body: JSON.stringify({ name: 'Ana Reis', email: `guest-${index}@example.com` }),
    })),

  'sign-ups and forgotten passwords, 60 at once': (attack) =>
    attack.flood(60, (index) => {
      const isSignUp = index % 2 === 0;
      const email = `somebody-${index}@example.com`;
      return {
        method: 'POST',
        path: isSignUp ? '/v1/users' : '/v1/users/password/forgot',
        from: addressOf(index),
        body: JSON.stringify(
          isSignUp ? { name: 'Ana Reis', email, password: 'long enough for all' } : { email },
        ),
      };
    }),

  'changes of the business day, 20 at once': (attack, { venueId }) =>
    attack.flood(20, (index) => ({
      method: 'PATCH',
      path: `/v1/venues/${venueId}`,
      body: JSON.stringify({ dayStartsAt: `0${index % 10}:00` }),
    })),

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
