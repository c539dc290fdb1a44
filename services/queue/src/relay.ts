import { type Event, type EventOf, makeEvent } from '@queue-manager/contracts/events';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Publisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { isOutage } from '@queue-manager/service-kit/problems';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import { sql } from 'kysely';
import { v5 } from 'uuid';
import type { Database, DatabaseTransaction } from './database.ts';
import { ticketUrlOf } from './party-view.ts';
import type { EventTable } from './tables.ts';

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
  let wakeUp: () => void = () => {};
  let running: Promise<void> = Promise.resolve();

  async function sleep(ms: number): Promise<void> {
    if (isAwake || isStopping) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, ms);
    wakeUp = resolve;
    await promise;
    clearTimeout(timer);
  }

  async function run(): Promise<void> {
    let pauseMs = backOffMs.first;
    while (!isStopping) {
      isAwake = false;
      try {
        const { taken, failed } = await relayBatch(deps);
        if (failed > 0) throw new Error(`SQS refused ${failed} of ${taken} events`);
        pauseMs = backOffMs.first;
        if (taken < batchSize) await sleep(pollMs);
      } catch (error) {
        const level = isOutage(error) ? 'warn' : 'error';
        deps.logger[level]({ err: error }, 'events wait in the outbox');
        isAwake = false;
        await sleep(pauseMs);
        pauseMs = Math.min(pauseMs * 2, backOffMs.max);
      }
    }
  }

  return {
    start() {
      running = run();
    },
    wake() {
      isAwake = true;
      wakeUp();
    },
    async stop() {
      isStopping = true;
      wakeUp();
      await running;
    },
  };
}

/**
 * One batch. `SKIP LOCKED` lets instances take different pointers, and passes over those of changes that are
 * not committed yet. The rows stay locked while SQS is asked, so that no other instance sends the same
 * meanwhile; a crash there sends them again, which consumers expect.
 */
async function relayBatch(deps: RelayDeps): Promise<{ taken: number; failed: number }> {
  return deps.db.transaction().execute(async (trx) => {
    const pointers = await trx
      .selectFrom('outbox')
      .select(['queue_id', 'seq'])
      .orderBy('created_at')
      .limit(batchSize)
      .forUpdate()
      .skipLocked()
      .execute();
    if (pointers.length === 0) return { taken: 0, failed: 0 };

    const keys = pointers.map(({ queue_id, seq }) => sql`(${queue_id}, ${seq})`);
    const rows = await trx
      .selectFrom('events')
      .selectAll()
      .where(sql<boolean>`(queue_id, seq) IN (${sql.join(keys)})`)
      .execute();
    const events = rows.map(toEvent);
    const mails = await mailsFor(deps, trx, events);
    const { failed } = await deps.publisher.publish([...events, ...mails]);

    // A mail that SQS refused keeps its event's pointer too.
    const unsent = new Set(
      [...failed.keys()].map((id) => mails.find((mail) => mail.id === id)?.subject ?? id),
    );
    const sent = events.filter(({ id }) => !unsent.has(id));
    if (sent.length > 0) {
      const done = rows
        .filter((row) => !unsent.has(bytesToUuid(row.id)))
        .map(({ queue_id, seq }) => sql`(${queue_id}, ${seq})`);
      await trx
        .deleteFrom('outbox')
        .where(sql<boolean>`(queue_id, seq) IN (${sql.join(done)})`)
        .execute();
    }
    return { taken: pointers.length, failed: unsent.size };
  });
}

function toEvent(row: EventTable): LineEvent {
  return makeEvent({
    id: bytesToUuid(row.id),
    source: '/queue',
    type: row.type,
    subject: bytesToUuid(row.party_id ?? row.queue_id),
    time: row.time.toISOString(),
    data: JSON.parse(row.data),
  }) as LineEvent;
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
