import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Client, createClient, everyItem } from '@queue-manager/client/client';
import { joinQueue } from '@queue-manager/contracts/guests';
import { callNext, listParties } from '@queue-manager/contracts/parties';
import { getPosition, type Position } from '@queue-manager/contracts/positions';
import { createQueue, getQueue, type Queue } from '@queue-manager/contracts/queues';
import { createVenue } from '@queue-manager/contracts/venues';
import { standAloneEnv } from '@queue-manager/local-stack/system/stand-alone';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { connectRedis, mastersOf, type RedisClient } from '@queue-manager/service-kit/redis';
import { testLogger, testRedis, until } from '@queue-manager/service-kit/testing';
import { openAccount } from './support/accounts.ts';

/*
 * Uses its own system, since its Redis is flushed while guests read their positions, join and are called.
 */

const guests = 200;
const flushes = 3;
/** Joins and calls between two flushes, and after the last. */
const movesBetween = 20;

describe('a system whose Redis is flushed under load', () => {
  const started = new AsyncDisposableStack();
  let system: System;
  let redis: RedisClient;
  let token: string;
  let queue: Queue;
  /** Tickets by number, which is the order of the line: no party is moved. */
  const tickets = new Map<number, string>();

  const succeed: Client['succeed'] = (contract, options) =>
    createClient(system.gatewayUrl).succeed(contract, options);

  before(async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'queue-manager-flush-'));
    started.defer(() => rmSync(dataDir, { recursive: true, force: true, maxRetries: 5 }));
    const many = '1000000';
    const own = await standAloneEnv(process.env);
    started.defer(() => own.release());
    const env: NodeJS.ProcessEnv = {
      ...own.env,
      RATE_LIMIT_JOIN_PER_MINUTE: many,
      RATE_LIMIT_TICKET_PER_MINUTE: many,
      RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: many,
      RATE_LIMIT_ACCOUNT_PER_MINUTE: many,
      RATE_LIMIT_ADDRESS_PER_MINUTE: many,
    };
    system = await startSystem({ dataDir, env });
    started.defer(() => system.stop());
    redis = connectRedis({
      ...testRedis(system.env),
      commandTimeoutMs: 30_000,
      logger: testLogger,
    });
    started.defer(() => redis.disconnect());
    await until('Redis answers', () => redis.ping().catch(() => null));

    token = (await openAccount({}, { succeed, mailUrl: system.mailUrl ?? '' })).token;
    const venue = await succeed(createVenue, {
      token,
      body: { name: 'The Blue Door', timezone: 'Europe/Lisbon' },
    });
    queue = await succeed(createQueue, {
      token,
      params: { venueId: venue.id },
      body: { name: 'Tables' },
    });
    for (let made = 0; made < guests; made += 20) {
      await Promise.all(Array.from({ length: 20 }, (_, index) => joinGuest(made + index)));
    }
  });
  after(() => started.disposeAsync());

  async function joinGuest(index: number): Promise<void> {
    const { ticket, number } = await succeed(joinQueue, {
      params: { joinCode: queue.joinCode },
      body: { name: `Guest ${index}`, size: 2 },
    });
    tickets.set(number, ticket);
  }

  it('answers every request, never with an impossible position, and recovers', async () => {
    let isOver = false;
    /** Positions in the answers, by the `seq` they were read at. */
    const told = new Map<number, Map<number, Position>>();

    const note = (number: number, last: number, position: Position): number => {
      assert.ok(position.seq >= last, `told of event ${position.seq} after ${last}`);
      const at = told.get(position.seq) ?? new Map<number, Position>();
      told.set(position.seq, at.set(number, position));
      return position.seq;
    };
    const poll = async (number: number, ticket: string) => {
      let last = 0;
      while (!isOver) {
        const answer = await createClient(system.gatewayUrl).call(getPosition, {
          params: { ticket },
        });
        assert.ok(answer.ok, `a look was answered with ${answer.status}`);
        last = note(number, last, answer.body);
      }
    };
    const ending = new AbortController();
    const streamed = new Map<string, Position>();
    const stream = async (number: number, ticket: string) => {
      const url = new URL(`/v1/live/tickets/${ticket}`, system.gatewayUrl);
      const answer = await fetch(url, { signal: ending.signal });
      assert.equal(answer.status, 200);
      assert.ok(answer.body);
      let last = 0;
      let rest = '';
      try {
        for await (const text of answer.body.pipeThrough(new TextDecoderStream())) {
          const lines = (rest + text).split('\n');
          rest = lines.pop() as string;
          for (const line of lines) {
            if (!line.startsWith('data:')) continue;
            const position: Position = JSON.parse(line.slice('data:'.length));
            last = note(number, last, position);
            streamed.set(ticket, position);
          }
        }
      } catch (error) {
        if (!isOver) throw error;
      }
      assert.ok(isOver, 'a stream ended');
    };
    const watching = [...tickets].map(([number, ticket]) =>
      number % 2 === 0 ? poll(number, ticket) : stream(number, ticket),
    );
    const working = (async () => {
      for (let flush = 0; flush <= flushes; flush++) {
        for (let move = 0; move < movesBetween; move++) {
          await Promise.all([
            joinGuest(guests + move),
            succeed(callNext, { token, params: { queueId: queue.id }, body: {} }),
          ]);
        }
        if (flush < flushes) {
          await Promise.all(mastersOf(redis).map((server) => server.flushall()));
        }
      }
    })();
    try {
      await Promise.race([working, Promise.all(watching)]);
      await until('all are told as it is', async () => {
        const { waiting } = await succeed(getQueue, { token, params: { queueId: queue.id } });
        const places = await Promise.all(
          [...tickets.values()].map((ticket) => succeed(getPosition, { params: { ticket } })),
        );
        const inLine = places.filter(({ state }) => state === 'waiting');
        return inLine.length === waiting && inLine.every((place) => place.waiting === waiting);
      });
      await until('all who watch a stream saw it', async () => {
        const places = await Promise.all(
          Array.from(streamed, async ([ticket, { state, position }]) => {
            const now = await succeed(getPosition, { params: { ticket } });
            return now.state === state && now.position === position;
          }),
        );
        return places.length === guests / 2 && places.every(Boolean);
      });
    } finally {
      isOver = true;
      ending.abort();
    }
    await working;
    await Promise.all(watching);

    // The positions read at each `seq` are consistent: in the order of joining, distinct, and not above the number
    // waiting.
    for (const [seq, at] of told) {
      const inLine = [...at]
        .filter(([, { state }]) => state === 'waiting')
        .sort(([a], [b]) => a - b);
      const positions = inLine.map(([, { position }]) => position ?? 0);
      for (const [index, position] of positions.entries()) {
        assert.ok(position > (positions[index - 1] ?? 0), `out of order at event ${seq}`);
        assert.equal(inLine[index]?.[1].ahead, position - 1);
      }
      const counts = new Set(inLine.map(([, { waiting }]) => waiting));
      assert.ok(counts.size <= 1, `${[...counts]} waited at event ${seq}`);
      assert.ok(positions.every((position) => position <= ([...counts][0] ?? 0)));
    }

    // In the end Redis agrees with MySQL.
    const parties = await Array.fromAsync(
      everyItem((page) =>
        succeed(listParties, {
          token,
          params: { queueId: queue.id },
          query: { state: 'waiting', limit: 100, ...page },
        }),
      ),
    );
    assert.equal(parties.length, guests);
    const numbers = parties.map(({ number }) => number);
    assert.deepEqual(
      numbers,
      numbers.toSorted((a, b) => a - b),
    );
    for (const [index, { ticket }] of parties.entries()) {
      const { position, waiting } = await succeed(getPosition, { params: { ticket } });
      assert.deepEqual([position, waiting], [index + 1, guests]);
    }
  });
});
