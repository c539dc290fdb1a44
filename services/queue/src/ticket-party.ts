import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { Deps } from './deps.ts';

/** The party that a ticket stands for, with what its guest may see of the queue. 404 for any other text. */
export async function ticketParty(deps: Deps, ticket: string) {
  const subject = deps.tickets.read(ticket);
  if (subject === null) throw problems.notFound({ detail: 'This ticket is not valid.' });
  const row = await deps.db
    .selectFrom('parties as p')
    .innerJoin('queues as q', 'q.id', 'p.queue_id')
    .selectAll('p')
    .select([
      'q.name as queue_name',
      'q.text',
      'q.end_message',
      'q.deleted_at',
      'q.seq as queue_seq',
    ])
    .where('p.queue_id', '=', uuidToBytes(subject.queueId))
    .where('p.id', '=', uuidToBytes(subject.partyId))
    .executeTakeFirst();
  if (row === undefined) throw problems.notFound({ detail: 'This ticket is not valid.' });
  const { queue_name, queue_seq, text, end_message, deleted_at, ...party } = row;
  const isDeleted = deleted_at !== null;
  return { party, queue: { name: queue_name, seq: queue_seq, text, end_message, isDeleted } };
}
