import type { PartyState } from '@queue-manager/contracts/parties';
import { isInLine } from '@queue-manager/contracts/party-moves';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Database } from '../db/database.ts';
import type { QueueRow } from '../db/tables.ts';

export type TicketParty = Awaited<ReturnType<typeof ticketParty>>;

/** The party of a ticket, with what its guest may see of the queue. 404 for an invalid ticket. */
export async function ticketParty(deps: { db: Database; tickets: TicketCodec }, ticket: string) {
  const subject = deps.tickets.read(ticket);
  if (subject === null) throw problems.notFound({ detail: 'This ticket is not valid.' });
  const row = await deps.db
    .selectFrom('parties as p')
    .innerJoin('queues as q', 'q.id', 'p.queue_id')
    .innerJoin('venues as v', 'v.id', 'q.venue_id')
    .selectAll('p')
    .select([
      'q.name as queue_name',
      'q.text',
      'q.end_message',
      'q.seq as queue_seq',
      'q.deleted_at',
    ])
    .select(['v.name as venue_name', 'v.locale as venue_locale', 'v.timezone', 'v.accent_color'])
    .where('p.queue_id', '=', uuidToBytes(subject.queueId))
    .where('p.id', '=', uuidToBytes(subject.partyId))
    .executeTakeFirst();
  if (row === undefined) throw problems.notFound({ detail: 'This ticket is not valid.' });
  const { queue_name, queue_seq, deleted_at, text, end_message, ...rest } = row;
  const { venue_name, venue_locale, timezone, accent_color, ...party } = rest;
  return {
    party: { ...party, state: stateIn({ deleted_at }, party.state) },
    queue: { name: queue_name, seq: queue_seq, deleted_at, text, end_message },
    venue: { name: venue_name, locale: venue_locale, timezone, accent_color },
  };
}

/** The state of a party: whoever is in the line of a deleted queue counts as removed, and soon is. */
export function stateIn(queue: Pick<QueueRow, 'deleted_at'>, state: PartyState): PartyState {
  return queue.deleted_at !== null && isInLine(state) ? 'removed' : state;
}
