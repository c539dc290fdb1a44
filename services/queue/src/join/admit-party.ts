import type { Actor } from '@queue-manager/contracts/events';
import type { Place } from '@queue-manager/contracts/internal';
import type { Lane, PartySource } from '@queue-manager/contracts/parties';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { problems } from '@queue-manager/service-kit/problems';
import type { VenueFacts } from '../access/membership.ts';
import { once, type Repeatable } from '../db/idempotency.ts';
import type { PartyRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { businessDayOf } from '../line/business-day.ts';
import { joinsNearFront } from '../line/follow-up.ts';
import { changeLineWithin, type Line } from '../line/line.ts';
import { keyBetween } from '../line/order-key.ts';
import { laneIndex, type PartyRecord, partyRecord } from '../line/snapshots.ts';

/** A party that wants in, by whichever door. */
export type Arrival = {
  name: string;
  size: number;
  lane: Lane;
  email: string | null;
  phone: string | null;
  notes: string | null;
  locale: string | undefined;
  source: PartySource;
};

/**
 * Puts a party at the end of its lane, once for each idempotency key. The place comes from the position
 * service, which has applied the event by then; null when it is away. A repeat gets the place that the first
 * answer told, which is known a moment after the party is; so repeats of one process take turns.
 */
export async function admitParty(
  deps: Deps,
  request: Repeatable,
  queueId: Buffer,
  venue: VenueFacts,
  arrival: Arrival,
  actor: Actor,
): Promise<{ record: PartyRecord; place: Place | null }> {
  const admit = async () => {
    const { result: record, events } = await once(deps, request, (trx) =>
      changeLineWithin(deps, trx, queueId, async (line) =>
        partyRecord(await join(deps, line, venue, arrival, actor)),
      ),
    );
    const place =
      events.length === 0
        ? await deps.quotes.told(record)
        : await deps.quotes.tell(record, deps.feed.committed(events));
    return { record, place };
  };
  return request.key === null ? admit() : deps.repeats(`${request.caller} ${request.key}`, admit);
}

async function join(
  deps: Deps,
  line: Line,
  venue: VenueFacts,
  arrival: Arrival,
  actor: Actor,
): Promise<PartyRow> {
  const { queue, now, trx } = line;
  if (arrival.source === 'guest' && queue.self_join === 0) {
    throw problems.selfJoinOff({ detail: 'Please ask the host to add you to the line.' });
  }
  if (queue.state === 'closed') throw problems.queueClosed();
  if (queue.state === 'paused') throw problems.queuePaused();
  if (arrival.size > queue.max_party_size) {
    throw tooLarge(queue.max_party_size);
  }
  if (queue.max_waiting !== null && queue.waiting >= queue.max_waiting) throw problems.queueFull();

  const day = businessDayOf(now, venue.timezone, venue.day_starts_at);
  const number = queue.number_day === day ? queue.last_number + 1 : 1;
  const orderKey = keyBetween(queue.tail_key, null);
  const id = uuidToBytes(newId(deps.clock));
  const duplicates =
    arrival.source === 'guest' ? await findDuplicates(line, arrival.email, arrival.phone) : [];
  if (duplicates.length > 0) {
    await trx
      .updateTable('parties')
      .set({ possible_duplicate: 1 })
      .where('queue_id', '=', queue.id)
      .where('id', 'in', duplicates)
      .execute();
  }

  const lane = laneIndex(arrival.lane);
  const isNearFront = await joinsNearFront(line, lane);

  if (arrival.email !== null) line.tasks.schedule('notify.joined', id);
  return line.addParty(
    {
      queue_id: queue.id,
      id,
      number,
      lane,
      order_key: orderKey,
      state: 'waiting',
      size: arrival.size,
      source: arrival.source,
      calls: 0,
      possible_duplicate: duplicates.length > 0 ? 1 : 0,
      almost_there: isNearFront ? 1 : 0,
      snoozes: 0,
      joined_at: now,
      served_at: null,
      called_at: null,
      confirmed_at: null,
      seated_at: null,
      departed_at: null,
      ended_at: null,
    },
    {
      queue_id: queue.id,
      party_id: id,
      name: arrival.name,
      name_key: arrival.name.toLowerCase(),
      email: arrival.email,
      email_key: arrival.email === null ? null : normaliseEmail(arrival.email),
      phone: arrival.phone,
      notes: arrival.notes,
      locale: arrival.locale ?? null,
    },
    day,
    actor,
  );
}

export function tooLarge(maxPartySize: number) {
  return problems.partyTooLarge({
    detail: `This queue accepts parties of up to ${maxPartySize}.`,
    errors: [{ path: 'size', message: `must be at most ${maxPartySize}` }],
  });
}

/** Parties in the line with the same e-mail or phone. */
async function findDuplicates(
  line: Line,
  email: string | null,
  phone: string | null,
): Promise<Buffer[]> {
  const known = [
    ...(email === null ? [] : [['email_key', normaliseEmail(email)] as const]),
    ...(phone === null ? [] : [['phone', phone] as const]),
  ];
  const found = await Promise.all(
    known.map(([column, value]) =>
      line.trx
        .selectFrom('personal as c')
        .innerJoin('parties as p', (join) =>
          join.onRef('p.queue_id', '=', 'c.queue_id').onRef('p.id', '=', 'c.party_id'),
        )
        .select('p.id')
        .where('c.queue_id', '=', line.queue.id)
        .where(`c.${column}`, '=', value)
        .where('p.state', 'in', ['waiting', 'called'])
        .execute(),
    ),
  );
  return found.flat().map(({ id }) => id);
}
