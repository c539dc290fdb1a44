/**
 * The venue that goes about its business: guests join and look at their positions, a host calls the next party, and
 * the called guests' phones are told by their streams. All at a steady rate, whatever the responses take.
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import type { Line } from '../measure/running-system.ts';
import { answerQuestions, atRate, sharedMs, workerOptions } from '../measure/worker.ts';

export type Neighbour = { url: string; headers: Record<string, string> };
export type Day = { line: Line; seconds: number };

/** Milliseconds of every call and push, and what went wrong. */
export type Measured = {
  changes: number[];
  looks: number[];
  pushes: number[];
  /** Responses with a status of 500 or more, missing responses, and streams that broke or told nothing. */
  failures: string[];
};

const perSecond = { joins: 10, calls: 10, looks: 40 };
const callMsMax = 20_000;
/** After the last call, for pushes under way. */
const pushMsMax = 5_000;

const { url, headers } = workerOptions<Neighbour>();
const { hostname, port, host } = new URL(url);

/** A guest who waits, with its stream. */
type Guest = { ticket: string; socket: Socket; calledAt?: number };
let guests: Guest[] = [];

async function answerTo(method: string, path: string, body?: object): Promise<Response> {
  return fetch(new URL(path, url), {
    method,
    headers,
    signal: AbortSignal.timeout(callMsMax),
    ...(body && { body: JSON.stringify(body) }),
  });
}

const join = ({ joinCode }: Line) => answerTo('POST', `/v1/join/${joinCode}`, { name: 'Ana Lima' });

async function follow(ticket: string): Promise<Guest> {
  const socket = createConnection({ host: hostname, port: Number(port) });
  const guest: Guest = { ticket, socket };
  socket.setNoDelay(true);
  socket.write(`GET /v1/live/tickets/${ticket} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  await once(socket, 'data');
  socket.on('data', (piece) => {
    if (piece.includes('"state":"called"')) guest.calledAt ??= sharedMs();
  });
  return guest;
}

answerQuestions({
  /** Guests join, and each opens its stream: one for every call to come. */
  async prepare({ line, seconds }: Day) {
    guests = [];
    for (let n = 0; n < perSecond.calls * seconds; n += 1) {
      const { ticket } = (await (await join(line)).json()) as { ticket: string };
      guests.push(await follow(ticket));
    }
  },

  async measure({ line, seconds }: Day): Promise<Measured> {
    const measured: Measured = { changes: [], looks: [], pushes: [], failures: [] };
    const calledFrom = new Map<string, number>();
    const timed = async (what: 'changes' | 'looks', asking: () => Promise<Response>) => {
      const startedAt = sharedMs();
      try {
        const answer = await asking();
        const body = (await answer.json()) as { ticket?: string };
        if (answer.status >= 500) measured.failures.push(String(answer.status));
        else if (!answer.ok) throw new Error(`the neighbour was refused: ${answer.status}`);
        else calledFrom.set(body.ticket ?? '', startedAt);
      } catch (error) {
        measured.failures.push((error as Error).message);
      }
      measured[what].push(sharedMs() - startedAt);
    };
    const { joins, calls, looks } = perSecond;
    await Promise.all([
      atRate(joins, joins * seconds, () => timed('changes', () => join(line))),
      atRate(calls, calls * seconds, () =>
        timed('changes', () => answerTo('POST', `/v1/queues/${line.id}/call-next`, {})),
      ),
      atRate(looks, looks * seconds, (index) => {
        const { ticket } = guests[index % guests.length] as Guest;
        return timed('looks', () => answerTo('GET', `/v1/positions/${ticket}`));
      }),
    ]);
    const deadline = sharedMs() + pushMsMax;
    for (const guest of guests) {
      const from = calledFrom.get(guest.ticket);
      if (from === undefined) continue;
      while (guest.calledAt === undefined && sharedMs() < deadline) {
        await once(guest.socket, 'data', { signal: AbortSignal.timeout(1_000) }).catch(() => {});
      }
      if (guest.calledAt === undefined) measured.failures.push('a stream did not tell of a call');
      else measured.pushes.push(guest.calledAt - from);
    }
    for (const { socket } of guests) socket.destroy();
    return measured;
  },
});
