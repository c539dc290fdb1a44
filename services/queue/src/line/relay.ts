import type { FedEvent } from '@queue-manager/contracts/internal';
import type { Publisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { type Selectable, sql } from 'kysely';
import { type Database, type DatabaseTransaction, inTransaction } from '../db/database.ts';
import type { EventTable } from '../db/tables.ts';
import { contextOf } from '../db/trace-context.ts';
import { createWorkLoop, retryPauses, type WorkLoop } from '../db/work-loop.ts';
import { queueIdOf, seqOf, toEvent } from './line-event.ts';

/** Events sent at a time; ten SQS batches. */
const batchSize = 100;
/** Keeps the statement far below any server's packet limit. */
const deliveredPerStatement = 500;
/** Half the time that the relay leaves an event to the feed, so that what the feed delivered is recorded before. */
const pollMs = 500;

/** After this, another instance sends what was taken: longer than sending takes, with the SDK's retries. */
const sendingMs = 60_000;

type RelayDeps = {
  db: Database;
  clock: Clock;
  logger: Logger;
  publisher: Publisher;
};

export type Relay = WorkLoop & {
  /** Takes events that the position service has applied out of the outbox, in batches at the next step. */
  delivered(events: readonly FedEvent[]): void;
};

/**
 * Sends events to SQS that the feed does not deliver or has not delivered in time, at least once: an event leaves the
 * outbox (its `relay_at` becomes null) only when SQS, or the position service, has taken it. Any number of instances
 * may run.
 */
export function createRelay(deps: RelayDeps): Relay {
  let delivered: EventKey[] = [];

  async function clearDelivered(): Promise<void> {
    while (delivered.length > 0) {
      const keys = delivered.slice(0, deliveredPerStatement);
      await inTransaction(deps.db, (trx) => setRelayAt(trx, keys, null));
      delivered = delivered.slice(keys.length);
    }
  }

  const loop = createWorkLoop({
    async step() {
      await clearDelivered();
      const { taken, refused } = await relayBatch(deps);
      if (refused > 0 && refused === taken) return retryPauses.maxMs;
      return taken < batchSize ? pollMs : 0;
    },
    logger: deps.logger,
    onOutage: 'events wait in the outbox',
    onRecovery: 'events leave the outbox again',
  });
  return {
    ...loop,
    delivered(events) {
      for (const event of events) delivered.push({ queue_id: queueIdOf(event), seq: seqOf(event) });
    },
    async stop() {
      await loop.stop();
      // Events that are not cleared are sent again, which changes nothing.
      await clearDelivered().catch((error) =>
        deps.logger.debug({ err: error }, 'delivered events stay in the outbox'),
      );
    },
  };
}

/**
 * Sends one batch, in the order of writing. No lock is held until SQS responds: the events are deferred meanwhile, so
 * that no other instance sends them. After a crash they are sent again, which consumers expect.
 */
async function relayBatch(deps: RelayDeps): Promise<{ taken: number; refused: number }> {
  const { db, clock } = deps;
  const rows = await takeBatch(deps);
  if (rows.length === 0) return { taken: 0, refused: 0 };
  try {
    const { failed } = await deps.publisher.publish(
      rows.map(toEvent),
      new Map(rows.map((row) => [bytesToUuid(row.id), contextOf(row)])),
    );
    const isRefused = ({ id }: { id: Buffer }) => failed.has(bytesToUuid(id));
    const refused = rows.filter(isRefused);
    if (refused.length > 0) {
      deps.logger.error({ refused: Object.fromEntries(failed) }, 'SQS refused events');
      // To the end of the outbox, so that they do not block the events behind them.
      await inTransaction(db, (trx) => setRelayAt(trx, refused, clock.now()));
    }
    const sent = rows.filter((row) => !isRefused(row));
    if (sent.length > 0) await inTransaction(db, (trx) => setRelayAt(trx, sent, null));
    return { taken: rows.length, refused: refused.length };
  } catch (error) {
    await inTransaction(db, (trx) => setRelayAt(trx, rows, clock.now())).catch(() => undefined);
    throw error;
  }
}

/**
 * `SKIP LOCKED` lets instances take different events. Reads the head of `events_relay`; the UPDATE seeks 100 primary
 * keys, so that it waits for nobody.
 */
async function takeBatch({ db, clock }: RelayDeps): Promise<Selectable<EventTable>[]> {
  return inTransaction(db, async (trx) => {
    const now = clock.now();
    await adoptOldPointers(trx, now);
    const { rows } = await sql<Selectable<EventTable>>`
      SELECT * FROM events FORCE INDEX (events_relay)
      WHERE relay_at <= ${now}
      ORDER BY relay_at, queue_id, seq LIMIT ${batchSize}
      FOR UPDATE SKIP LOCKED`.execute(trx);
    if (rows.length > 0) await setRelayAt(trx, rows, new Date(now.getTime() + sendingMs));
    return rows;
  });
}

type EventKey = Pick<EventTable, 'queue_id' | 'seq'>;

async function setRelayAt(
  trx: DatabaseTransaction,
  events: readonly EventKey[],
  relayAt: Date | null,
): Promise<void> {
  await sql`
    UPDATE events FORCE INDEX (PRIMARY) SET relay_at = ${relayAt}
    WHERE (queue_id, seq) IN (${keysOf(events)})`.execute(trx);
}

/** Adopts what instances of the previous version wrote to their own table. To be removed with that table. */
async function adoptOldPointers(trx: DatabaseTransaction, now: Date): Promise<void> {
  const { rows: pointers } = await sql<EventKey>`
    SELECT queue_id, seq FROM outbox FORCE INDEX (outbox_age)
    ORDER BY created_at, queue_id, seq LIMIT ${batchSize}
    FOR UPDATE SKIP LOCKED`.execute(trx);
  if (pointers.length === 0) return;
  await sql`
    UPDATE events AS e JOIN outbox AS o ON o.queue_id = e.queue_id AND o.seq = e.seq
    SET e.relay_at = ${now}, e.request_id = o.request_id, e.traceparent = o.traceparent
    WHERE (o.queue_id, o.seq) IN (${keysOf(pointers)})`.execute(trx);
  await sql`DELETE FROM outbox WHERE (queue_id, seq) IN (${keysOf(pointers)})`.execute(trx);
}

function keysOf(events: readonly EventKey[]) {
  return sql.join(events.map(({ queue_id, seq }) => sql`(${queue_id}, ${seq})`));
}
