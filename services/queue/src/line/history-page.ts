import type { EventData, PartyEventType } from '@queue-manager/contracts/events';
import type { HistoryEvent, NamedHistoryEvent } from '@queue-manager/contracts/history';
import type { Clock } from '@queue-manager/service-kit/clock';
import { decodeCursor, encodeCursor } from '@queue-manager/service-kit/cursor';
import { dayMs } from '@queue-manager/service-kit/durations';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { Selectable } from 'kysely';
import { namesOf } from '../access/member-names.ts';
import type { VenueFacts } from '../access/membership.ts';
import type { Database } from '../db/database.ts';
import { pageOf } from '../db/page-of.ts';
import type { EventTable } from '../db/tables.ts';

type HistoryQuery = {
  limit: number;
  cursor?: string | undefined;
  after?: number;
  order?: 'asc' | 'desc';
};

type HistoryDeps = { db: Database; users: InternalClient; logger: Logger; clock: Clock };

/** A page of the events of a queue, or of one party of it, that follow `after`. */
export async function historyPage(
  deps: HistoryDeps,
  of: { queueId: Buffer; partyId?: Buffer; venue: Pick<VenueFacts, 'retention_days'> },
  { limit, cursor, after = 0, order = 'asc' }: HistoryQuery,
): Promise<{ data: NamedHistoryEvent[]; nextCursor: string | null }> {
  const [last] = cursor === undefined ? [null] : decodeCursor(cursor, ['count']);
  const range =
    order === 'asc' ? { after: Math.max(after, last ?? 0) } : { after, before: last ?? undefined };
  const events = await eventsAfter(deps.db, { ...of, ...range, order, limit: limit + 1 });
  const { shown, nextCursor } = pageOf(events, limit, ({ seq }) => encodeCursor([seq]));
  return { data: await withNames(deps, shown, of.venue), nextCursor };
}

/** Adds the names of staff, as long as those of guests are kept. */
async function withNames(
  deps: HistoryDeps,
  events: readonly HistoryEvent[],
  { retention_days }: Pick<VenueFacts, 'retention_days'>,
): Promise<NamedHistoryEvent[]> {
  const since = new Date(deps.clock.now().getTime() - retention_days * dayMs).toISOString();
  const userIdOf = ({ actor, time }: HistoryEvent) => (time < since ? undefined : actor.userId);
  const ids = [...new Set(events.flatMap((event) => userIdOf(event) ?? []))];
  const names = ids.length === 0 ? [] : await namesOf(deps, ids.map(uuidToBytes));
  const nameOf = new Map(ids.map((id, index) => [id, names[index] ?? null]));
  return events.map((event) => ({
    ...event,
    actorName: nameOf.get(userIdOf(event) ?? '') ?? null,
  }));
}

/** The events of a queue, or of one party of it, that follow `after`, by default oldest first. */
export async function eventsAfter(
  db: Database,
  options: {
    queueId: Buffer;
    partyId?: Buffer | undefined;
    after: number;
    before?: number | undefined;
    order?: 'asc' | 'desc';
    limit: number;
  },
): Promise<HistoryEvent[]> {
  const { queueId, partyId, after, before, order = 'asc', limit } = options;
  const rows = await db
    .selectFrom('events as e')
    .leftJoin('reasons as r', (join) =>
      join.onRef('r.queue_id', '=', 'e.queue_id').onRef('r.seq', '=', 'e.seq'),
    )
    .selectAll('e')
    .select('r.text as reason')
    .where('e.queue_id', '=', queueId)
    .where('e.seq', '>', after)
    .$if(before !== undefined, (events) => events.where('e.seq', '<', before as number))
    .$if(partyId !== undefined, (events) => events.where('e.party_id', '=', partyId as Buffer))
    .orderBy('e.seq', order)
    .limit(limit)
    .execute();
  return rows.map(historyEvent);
}

function historyEvent(row: Selectable<EventTable> & { reason: string | null }): HistoryEvent {
  const data = JSON.parse(row.data) as Partial<EventData<PartyEventType | 'queue.changed'>>;
  const party = 'party' in data ? data : undefined;
  const queue = 'queue' in data ? data.queue : undefined;
  return {
    id: bytesToUuid(row.id),
    seq: row.seq,
    type: row.type,
    time: row.time.toISOString(),
    actor: data.actor ?? { kind: 'system' },
    reason: row.reason,
    partyId: row.party_id === null ? null : bytesToUuid(row.party_id),
    previousState: party?.previousState ?? null,
    previousSize: party?.previousSize ?? null,
    position: party?.position ?? null,
    override: party?.override ?? false,
    undone: party?.undone ?? null,
    party: party?.party ?? null,
    queue: queue ?? null,
  };
}
