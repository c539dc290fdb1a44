import type { MailContent } from '@queue-manager/contracts/events';
import type { PartyState } from '@queue-manager/contracts/parties';
import { limits } from '@queue-manager/contracts/values';
import { dayMs } from '@queue-manager/service-kit/durations';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { ticketUrlOf } from '../access/guest-links.ts';
import { stateIn } from '../access/ticket-party.ts';
import { keyIn } from '../db/key-in.ts';
import type { QueueRow, TaskRow } from '../db/tables.ts';
import { type ComposeDeps, type Mail, type MailKind, taskKey } from './kind.ts';

/** The data of a mail to a party. */
type PartyFacts = {
  name: string;
  number: number;
  venueName: string;
  queueName: string;
  link: string;
  unsubscribeLink: string;
};

/**
 * A kind of task that mails a party. Name, address and language are read when the mail is handed out: a party whose
 * data was erased or whose address was removed gets no mail. Neither does a party that has left `states`, unless a
 * manager retried the task.
 */
export function partyMail<const K extends string>(options: {
  kind: K;
  states: readonly PartyState[];
  content(facts: PartyFacts, queue: Pick<QueueRow, 'state' | 'call_grace_seconds'>): MailContent;
}): MailKind<K> {
  const { kind, states, content } = options;
  return {
    kind,
    destination: 'mails',
    async compose(deps, tasks) {
      const rows = await loadFacts(deps, tasks);
      const mails = new Map<string, Mail>();
      for (const task of tasks) {
        const row = rows.get(task.party_id?.toString('hex') ?? '');
        if (row?.email == null) continue;
        if (task.generation === 0 && !states.includes(stateIn(row, row.state))) continue;
        const ticket = deps.tickets.issue({
          queueId: bytesToUuid(row.queue_id),
          partyId: bytesToUuid(row.id),
        });
        const order = orderOf(task);
        mails.set(taskKey(task), {
          to: row.email,
          locale: row.locale ?? row.venue_locale,
          content: content(
            {
              name: row.name,
              number: row.number,
              venueName: row.venue_name,
              queueName: row.queue_name,
              link: ticketUrlOf(deps, ticket),
              unsubscribeLink: unsubscribeLinkOf(deps, row.venue_id, row.email),
            },
            { state: row.queue_state, call_grace_seconds: row.call_grace_seconds },
          ),
          ...(order === undefined ? {} : { order }),
          ...newSenderOf(deps, row),
        });
      }
      return mails;
    },
  };
}

/** Counts the recipients of all new venues of an account together, so that more venues give no more mails. */
function newSenderOf(
  { clock }: ComposeDeps,
  venue: { venue_id: Buffer; venue_created_at: Date; created_by: Buffer | null },
): Pick<Mail, 'newSender'> {
  const ageMs = clock.now().getTime() - venue.venue_created_at.getTime();
  if (ageMs >= limits.newVenueDays * dayMs) return {};
  const id = bytesToUuid(venue.created_by ?? venue.venue_id);
  return { newSender: { id, recipientsOfDayMax: limits.newVenueRecipientsOfDayMax } };
}

function unsubscribeLinkOf(
  { unsubscribeTokens, publicUrl }: ComposeDeps,
  venueId: Buffer,
  email: string,
): string {
  const token = unsubscribeTokens.make(unsubscribeTokens.of(venueId, email));
  return `${publicUrl}/v1/unsubscribe/${token}`;
}

/** None for a mail that a manager asked for again: it is sent although later ones were. */
function orderOf({ generation, party_id, payload }: TaskRow): Mail['order'] {
  const { seq } = JSON.parse(payload) as { seq?: number };
  if (generation > 0 || party_id === null || seq === undefined) return undefined;
  return { partyId: bytesToUuid(party_id), seq };
}

/** One query for the batch; finds rows by primary key. */
async function loadFacts({ db }: ComposeDeps, tasks: readonly TaskRow[]) {
  const keys = tasks.flatMap(({ queue_id, party_id }) =>
    queue_id === null || party_id === null ? [] : [[queue_id, party_id]],
  );
  if (keys.length === 0) return new Map();
  const rows = await db
    .selectFrom('parties as p')
    .innerJoin('personal as c', (join) =>
      join.onRef('c.queue_id', '=', 'p.queue_id').onRef('c.party_id', '=', 'p.id'),
    )
    .innerJoin('queues as q', 'q.id', 'p.queue_id')
    .innerJoin('venues as v', 'v.id', 'q.venue_id')
    .select(['p.queue_id', 'p.id', 'p.state', 'p.number', 'c.name', 'c.email', 'c.locale'])
    .select(['q.name as queue_name', 'q.state as queue_state', 'q.call_grace_seconds'])
    .select('q.deleted_at')
    .select([
      'v.id as venue_id',
      'v.created_at as venue_created_at',
      'v.created_by',
      'v.name as venue_name',
      'v.locale as venue_locale',
    ])
    .where(keyIn(['p.queue_id', 'p.id'], keys))
    .execute();
  return new Map(rows.map((row) => [row.id.toString('hex'), row]));
}
