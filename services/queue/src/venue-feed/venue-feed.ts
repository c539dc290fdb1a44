import type { Publisher } from '@queue-manager/events/publish';
import type { Clock } from '@queue-manager/service-kit/clock';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { Logger } from '@queue-manager/service-kit/logging';
import { type Database, inTransaction } from '../db/database.ts';
import type { FeedCursorTable } from '../db/tables.ts';
import { contextOf } from '../db/trace-context.ts';
import { createWorkLoop, type WorkLoop } from '../db/work-loop.ts';
import { seqOf, toLineEvent } from '../line/line-event.ts';

const pollMs = 250;
/** Queues whose events are sent at the same time. */
const queuesAtOnce = 8;
const eventsPerQueue = 100;
/** After this, another instance sends what was taken: longer than sending takes, with the SDK's retries. */
const leaseMs = 60_000;

type VenueFeedDeps = {
  db: Database;
  clock: Clock;
  logger: Logger;
  /** Sends to the queue of the broker. */
  publisher: Publisher;
};

/**
 * Sends the events of the queues of venues with a feed to the broker: at least once, and those of a party in order. A
 * cursor per queue says how far they were sent. Sequence numbers have no gaps and are committed in order, so that no
 * event can turn up behind the cursor. Any number of instances may run; one at a time sends for a queue. What is sent
 * again after a crash is dropped by SQS within five minutes, and by the broker within a day.
 *
 * Ours, since the outbox is emptied in no certain order, and by the direct calls of the feed of the position service.
 */
export function createVenueFeed(deps: VenueFeedDeps): WorkLoop {
  return createWorkLoop({
    async step() {
      const due = await dueCursors(deps);
      const sent = await Promise.all(due.map((cursor) => sendEvents(deps, cursor)));
      // When nothing could be sent, SQS refuses events: not at once again.
      return due.length === queuesAtOnce && sent.some((count) => count > 0) ? 0 : pollMs;
    },
    logger: deps.logger,
    onOutage: 'events for the feeds of venues wait',
    onRecovery: 'events for the feeds of venues are sent again',
  });
}

/** Cursors behind their queues: reads the cursors, which only venues with a feed have, and each one's queue by its key. */
async function dueCursors({ db, clock }: VenueFeedDeps): Promise<FeedCursorTable[]> {
  return db
    .selectFrom('feed_cursors as c')
    .innerJoin('queues as q', (join) =>
      join.onRef('q.venue_id', '=', 'c.venue_id').onRef('q.id', '=', 'c.queue_id'),
    )
    .selectAll('c')
    .whereRef('q.seq', '>', 'c.seq')
    .where('c.leased_until', '<=', clock.now())
    .limit(queuesAtOnce)
    .execute();
}

/** Returns how many events were sent. No lock is held meanwhile: the lease keeps other instances away. */
async function sendEvents(deps: VenueFeedDeps, cursor: FeedCursorTable): Promise<number> {
  const { db, clock, logger, publisher } = deps;
  const leasedUntil = new Date(clock.now().getTime() + leaseMs);
  if (!(await moveCursor(db, cursor, { leased_until: leasedUntil }))) return 0;
  const leased = { ...cursor, leased_until: leasedUntil };
  let { seq } = cursor;
  try {
    const rows = await db
      .selectFrom('events')
      .selectAll()
      .where('queue_id', '=', cursor.queue_id)
      .where('seq', '>', cursor.seq)
      .orderBy('seq')
      .limit(eventsPerQueue)
      .execute();
    const events = rows.map(toLineEvent);
    const contexts = new Map(rows.map((row) => [bytesToUuid(row.id), contextOf(row)]));
    const { failed } = await publisher.publish(events, contexts);
    const firstFailed = events.findIndex(({ id }) => failed.has(id));
    const sent = firstFailed === -1 ? events : events.slice(0, firstFailed);
    seq = sent.length === 0 ? cursor.seq : seqOf(sent.at(-1) as (typeof sent)[number]);
    if (failed.size > 0) {
      logger.error({ refused: Object.fromEntries(failed) }, 'SQS refused events of a feed');
    }
    return sent.length;
  } finally {
    // Also ends the lease. Without it, another instance goes on after a while.
    await moveCursor(db, leased, { seq, leased_until: clock.now() }).catch(() => undefined);
  }
}

/** False when the cursor has changed meanwhile: another instance has it, or the feed was switched off. */
async function moveCursor(
  db: Database,
  from: FeedCursorTable,
  to: Partial<FeedCursorTable>,
): Promise<boolean> {
  const { numUpdatedRows } = await inTransaction(db, (trx) =>
    trx
      .updateTable('feed_cursors')
      .set(to)
      .where('venue_id', '=', from.venue_id)
      .where('queue_id', '=', from.queue_id)
      .where('seq', '=', from.seq)
      .where('leased_until', '=', from.leased_until)
      .executeTakeFirstOrThrow(),
  );
  return numUpdatedRows === 1n;
}
