import { type Event, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { Publisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import { sql } from 'kysely';
import { v5 } from 'uuid';
import { type Database, type DatabaseTransaction, inTransaction } from './database.ts';
import { toLineEvent } from './line-event.ts';
import { ticketUrlOf } from './party-view.ts';

/** Pointers taken at a time; ten SQS batches. */
const batchSize = 100;
/** Finds what a crash left behind; a commit wakes the relay at once. */
const pollMs = 1_000;
/** Between tries while SQS or MySQL is away. */
const backOffMs = { first: 200, max: 5_000 };

/** Namespace of the ids of mails: the same event always asks for the same mail. */
const mailNamespace = '6b1f7f0e-6b2c-4c39-9a53-0d1f5a1f3e55';

export type Relay = {
  start(): void;
  wake(): void;
  /** Stops after the batch in hand. */
  stop(): Promise<void>;
};

type RelayDeps = {
  db: Database;
  clock: Clock;
  logger: Logger;
  publisher: Publisher;
  tickets: TicketCodec;
  publicUrl: string;
};

/**
 * Carries committed events to SQS, at least once: pointers are deleted only when SQS has taken what they
 * point to. Any number of instances may run.
 */
export function createRelay(deps: RelayDeps): Relay {
  let isStopping = false;
  let isAwake = false;
  let endPause: () => void = () => {};
  let endSleep: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  async function pause(ms: number): Promise<void> {
    if (isStopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    endPause = resolve;
    await promise;
    clearTimeout(timer);
  }

  /** A pause that a commit ends. */
  async function sleep(ms: number): Promise<void> {
    if (isAwake) return;
    const sleeping = pause(ms);
    endSleep = endPause;
    await sleeping;
  }

  async function run(): Promise<void> {
    let failures = 0;
    while (!isStopping) {
      isAwake = false;
      try {
        const { taken, refused } = await relayBatch(deps);
        if (failures > 0) deps.logger.info('events leave the outbox again');
        failures = 0;
        if (refused > 0 && refused === taken) await sleep(backOffMs.max);
        else if (taken < batchSize) await sleep(pollMs);
      } catch (error) {
        const level = isOutage(error) ? 'warn' : 'error';
        if (failures === 0) deps.logger[level]({ err: error }, 'events wait in the outbox');
        // Not ended by commits: they come on while SQS is away.
        await pause(Math.min(backOffMs.first * 2 ** failures, backOffMs.max));
        failures += 1;
      }
    }
  }

  return {
    start() {
      running = run();
    },
    wake() {
      isAwake = true;
      endSleep();
    },
    async stop() {
      isStopping = true;
      endPause();
      await running;
    },
  };
}

/**
 * One batch, in the order of writing. `SKIP LOCKED` lets instances take different pointers, and passes over
 * those of changes that are not committed yet. The rows stay locked while SQS is asked, so that no other
 * instance sends the same meanwhile; a crash there sends them again, which consumers expect.
 *
 * Measured on MariaDB 10.11 with 10,000 pointers and as many events: the head is 100 reads of `outbox_age`,
 * each `(queue_id, seq) IN (...)` 100 seeks of a primary key, the DELETE too, so that it waits for nobody.
 */
async function relayBatch(deps: RelayDeps): Promise<{ taken: number; refused: number }> {
  return inTransaction(deps.db, async (trx) => {
    const { rows: pointers } = await sql<Pointer>`
      SELECT queue_id, seq FROM outbox FORCE INDEX (outbox_age)
      ORDER BY created_at, queue_id, seq LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (pointers.length === 0) return { taken: 0, refused: 0 };

    const rows = await trx
      .selectFrom('events')
      .selectAll()
      .where(isOneOf(pointers))
      .orderBy('time')
      .orderBy('queue_id')
      .orderBy('seq')
      .execute();
    const events = rows.map(toLineEvent);
    const mails = await mailsFor(deps, trx, events);
    const { failed } = await deps.publisher.publish([...events, ...mails]);

    // A mail that SQS refused keeps its event's pointer too.
    const refusedEvents = new Map(
      [...failed].map(([id, reason]) => [
        mails.find((mail) => mail.id === id)?.subject ?? id,
        reason,
      ]),
    );
    const refused = rows.filter(({ id }) => refusedEvents.has(bytesToUuid(id)));
    if (refused.length > 0) {
      deps.logger.error({ refused: Object.fromEntries(refusedEvents) }, 'SQS refused events');
      // To the end of the outbox, so that they hold up nothing behind them.
      await trx
        .updateTable('outbox')
        .set({ created_at: deps.clock.now() })
        .where(isOneOf(refused))
        .execute();
    }
    const isRefused = new Set(refused.map(pointerKey));
    const done = pointers.filter((pointer) => !isRefused.has(pointerKey(pointer)));
    if (done.length > 0) await trx.deleteFrom('outbox').where(isOneOf(done)).execute();
    return { taken: pointers.length, refused: refused.length };
  });
}

type Pointer = { queue_id: Buffer; seq: number };

function isOneOf(pointers: readonly Pointer[]) {
  const keys = pointers.map(({ queue_id, seq }) => sql`(${queue_id}, ${seq})`);
  return sql<boolean>`(queue_id, seq) IN (${sql.join(keys)})`;
}

function pointerKey({ queue_id, seq }: Pointer): string {
  return `${queue_id.toString('hex')}:${seq}`;
}

/** The mails that events ask for: a called party with an address is told that its table is ready. */
async function mailsFor(
  deps: RelayDeps,
  trx: DatabaseTransaction,
  events: readonly Event[],
): Promise<EventOf<'mail.requested'>[]> {
  const calls = events.filter((event) => event.type === 'party.called');
  if (calls.length === 0) return [];
  const rows = await trx
    .selectFrom('personal as p')
    .innerJoin('queues as q', 'q.id', 'p.queue_id')
    .innerJoin('venues as v', 'v.id', 'q.venue_id')
    .select([
      'p.party_id',
      'p.name',
      'p.email',
      'p.locale',
      'q.name as queue_name',
      'q.call_grace_seconds',
    ])
    .select(['v.name as venue_name', 'v.locale as venue_locale'])
    .where(
      sql<boolean>`(p.queue_id, p.party_id) IN (${sql.join(
        calls.map(
          ({ data }) => sql`(${uuidToBytes(data.queueId)}, ${uuidToBytes(data.party.partyId)})`,
        ),
      )})`,
    )
    .where('p.email', 'is not', null)
    .execute();
  const byParty = new Map(rows.map((row) => [bytesToUuid(row.party_id), row]));
  return calls.flatMap((event) => {
    const { queueId, party } = event.data;
    const row = byParty.get(party.partyId);
    if (row?.email == null) return [];
    return makeEvent({
      id: v5(event.id, mailNamespace),
      source: '/queue',
      type: 'mail.requested',
      // What the mail is about; the relay finds its event by it.
      subject: event.id,
      time: event.time,
      data: {
        to: row.email,
        locale: row.locale ?? row.venue_locale,
        content: {
          template: 'party-called',
          name: row.name,
          number: party.number,
          venueName: row.venue_name,
          queueName: row.queue_name,
          graceSeconds: row.call_grace_seconds,
          link: ticketUrlOf(deps, deps.tickets.issue({ queueId, partyId: party.partyId })),
        },
      },
    });
  });
}
