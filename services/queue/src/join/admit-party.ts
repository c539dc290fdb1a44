import type { Actor } from '@queue-manager/contracts/events';
import type { Place } from '@queue-manager/contracts/internal';
import type { Lane, PartySource } from '@queue-manager/contracts/parties';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { bytesToUuid, newId, uuidToBytes } from '@queue-manager/service-kit/ids';
import { createKeyedGate, type KeyedGate } from '@queue-manager/service-kit/limits/gate';
import { problems } from '@queue-manager/service-kit/problems';
import type { VenueFacts } from '../access/membership.ts';
import { type IdempotentRequest, once } from '../db/idempotency.ts';
import { nameKey } from '../db/name-key.ts';
import type { PartyRow, QueueRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import { joinsNearFront } from '../line/follow-up.ts';
import { type Line, lockLine } from '../line/line.ts';
import { keyBetween } from '../line/order-key.ts';
import { takeNumber } from '../line/party-numbers.ts';
import { laneIndex, type PartyRecord, partyRecord } from '../line/snapshots.ts';
import { keyOfPastJoin, limitPastJoins, pastJoin } from './joined-at.ts';
import { markDuplicates } from './mark-duplicates.ts';

/** A party that joins, added by staff or by itself. */
export type Arrival = {
  name: string;
  size: number;
  lane: Lane;
  email: string | null;
  phone: string | null;
  notes: string | null;
  locale: string | undefined;
  source: PartySource;
  /** When it joined, if that was in the past. */
  joinedAt?: Date | undefined;
};

/**
 * The gate of joins, `deps.joins`: while several venues have joins, each has one at a time. Forty at once to the eight
 * queues of a venue made those of another 17 times as slow, since everything they cause runs on the same processors.
 */
export function createJoinGate(): KeyedGate {
  return createKeyedGate({ atOnce: 64, atOnceAmongOthers: 1, waitingMax: 1_024 });
}

/**
 * Puts a party at the end of its lane, or where it would stand if it had been added when it joined, once per idempotency
 * key. Its place comes from the position service, which has applied the event by then; null when that is unavailable. It is
 * the guest's quote. A party that joined in the past (`isLate`) gets none, since nobody told it anything when it joined.
 */
export async function admitParty(
  deps: Deps,
  request: IdempotentRequest,
  venue: VenueFacts,
  arrival: Arrival,
  actor: Actor,
): Promise<{ record: PartyRecord; place: Place | null; isRepeat: boolean; isLate: boolean }> {
  // A repeat answers with the place of the first answer, which is stored after the commit.
  const release =
    request.key === null ? null : await deps.repeats.acquire(`${request.caller} ${request.key}`);
  try {
    const admit = () =>
      once(deps, request, async (trx) => {
        const line = await lockLine(deps, trx, request.target);
        const joinedAt = pastJoin(line, arrival.joinedAt);
        assertAdmitted(line.queue, arrival, joinedAt);
        const party = await add(deps, line, venue, arrival, joinedAt, actor);
        if (joinedAt !== null) await limitPastJoins(line, actor, party.id);
        return { result: partyRecord(party), events: await line.write() };
      });
    const { result: record, events } = await deps.joins.run(bytesToUuid(venue.id), () =>
      deps.lines.run(bytesToUuid(request.target), admit),
    );
    const isRepeat = events.length === 0;
    const isLate = arrival.joinedAt?.toISOString() === record.joinedAt;
    if (isLate) {
      await deps.feed.committed(events);
      return { record, place: null, isRepeat, isLate };
    }
    const place = isRepeat
      ? await deps.quotes.read(record)
      : await deps.quotes.store(record, deps.feed.committed(events));
    return { record, place, isRepeat, isLate };
  } finally {
    release?.();
  }
}

/** Throws the problem when the queue does not admit this party. */
function assertAdmitted(queue: QueueRow, { source, size }: Arrival, joinedAt: Date | null): void {
  if (source === 'guest' && queue.self_join === 0) {
    throw problems.selfJoinOff({ detail: 'Please ask the host to add you to the line.' });
  }
  if (queue.state === 'closed') throw problems.queueClosed();
  if (size > queue.max_party_size) throw tooLarge(queue.max_party_size);
  // It was let in when it joined.
  if (joinedAt !== null) return;
  if (queue.state === 'paused') throw problems.queuePaused();
  if (queue.max_waiting !== null && queue.waiting >= queue.max_waiting) throw problems.queueFull();
}

async function add(
  deps: Deps,
  line: Line,
  venue: VenueFacts,
  arrival: Arrival,
  joinedAt: Date | null,
  actor: Actor,
): Promise<PartyRow> {
  const { queue, now } = line;
  const number = await takeNumber(line, venue);
  const id = uuidToBytes(newId(deps.clock));
  const lane = laneIndex(arrival.lane);
  const pastKey = joinedAt === null ? null : await keyOfPastJoin(line, { id, lane }, joinedAt);
  const orderKey = pastKey ?? keyBetween(queue.tail_key, null);
  if (pastKey === null) queue.tail_key = orderKey;
  const email_key = arrival.email === null ? null : normaliseEmail(arrival.email);
  // Hosts know whom they add a second time.
  const isDouble =
    arrival.source === 'guest' &&
    (await markDuplicates(line, id, { email_key, phone: arrival.phone }));
  const isNearFront = await joinsNearFront(line, lane, pastKey);

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
      possible_duplicate: isDouble ? 1 : 0,
      almost_there: isNearFront ? 1 : 0,
      snoozes: 0,
      joined_at: joinedAt ?? now,
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
      name_key: nameKey(arrival.name),
      email: arrival.email,
      email_key,
      phone: arrival.phone,
      notes: arrival.notes,
      locale: arrival.locale ?? null,
    },
    actor,
  );
}

export function tooLarge(maxPartySize: number) {
  return problems.partyTooLarge({
    detail: `This queue accepts parties of up to ${maxPartySize}.`,
    errors: [{ path: 'size', message: `must be at most ${maxPartySize}` }],
  });
}
