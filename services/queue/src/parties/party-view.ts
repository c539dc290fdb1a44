import type { GuestParty } from '@queue-manager/contracts/guests';
import { getPlaces, type Place } from '@queue-manager/contracts/internal';
import type { Party } from '@queue-manager/contracts/parties';
import { type Estimate, limits } from '@queue-manager/contracts/values';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import { CompiledQuery } from 'kysely';
import { ticketUrlOf } from '../access/guest-links.ts';
import { stateIn, type TicketParty } from '../access/ticket-party.ts';
import { venueLook } from '../access/venue-look.ts';
import { preparedQuery } from '../db/prepared-query.ts';
import type { Deps } from '../deps.ts';
import type { PartyRecord } from '../line/snapshots.ts';

type Notification = Party['notifications'][number];

/** What a response shows of a party besides its record: personal data, quote and notifications. */
type PartyDetails = Pick<Party, 'name' | 'email' | 'phone' | 'notes' | 'callExpiresAt'> & {
  quoted: Estimate | null;
  notifications: Notification[];
};

type DetailsRow = Pick<Party, 'name' | 'email' | 'phone' | 'notes'> & {
  estimate: string | null;
  call_expires_at: Date | null;
  party_id: Buffer;
  kind: Notification['kind'] | null;
  state: Notification['state'];
  updated_at: Date;
};

/** The end of the present call is the later one of its tasks: there is another once the guest has confirmed. */
const selectExpiry = `(
    SELECT MAX(x.run_at) FROM tasks AS x FORCE INDEX (tasks_party)
    WHERE x.party_id = p.id AND x.kind = 'call.expire' AND JSON_VALUE(x.payload, '$.calls') = p.calls)`;

const selectDetails = (parties: number) => `
  SELECT p.id AS party_id, c.name, c.email, c.phone, c.notes, q.estimate, t.kind, t.state, t.updated_at,
    IF(p.state = 'called', ${selectExpiry}, NULL) AS call_expires_at
  FROM parties AS p
  LEFT JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
  LEFT JOIN quotes AS q ON q.queue_id = p.queue_id AND q.party_id = p.id
  LEFT JOIN tasks AS t FORCE INDEX (tasks_party) ON t.party_id = p.id AND t.kind LIKE 'notify.%'
  WHERE p.queue_id = ? AND p.id IN (${Array.from({ length: parties }, () => '?').join(', ')})
  ORDER BY p.id, t.id`;

/** Details of parties of one queue, by party id; notifications are in the order in which they were scheduled. */
async function loadDetails(
  { db }: Deps,
  records: readonly PartyRecord[],
): Promise<Map<string, PartyDetails>> {
  const [first] = records;
  if (first === undefined) return new Map();
  const text = selectDetails(records.length);
  const ids = [first.queueId, ...records.map(({ partyId }) => partyId)].map(uuidToBytes);
  const { rows } = await db.executeQuery(
    records.length === 1 ? preparedQuery(text, ids) : CompiledQuery.raw(text, ids),
  );
  const byParty = Map.groupBy(rows as DetailsRow[], ({ party_id }) => bytesToUuid(party_id));
  return new Map(Array.from(byParty, ([partyId, ofParty]) => [partyId, detailsOf(ofParty)]));
}

function detailsOf(rows: readonly DetailsRow[]): PartyDetails {
  const { name, email, phone, notes, estimate, call_expires_at } = rows[0] as DetailsRow;
  return {
    name,
    email,
    phone,
    notes,
    callExpiresAt: call_expires_at?.toISOString() ?? null,
    quoted: estimate === null ? null : (JSON.parse(estimate) as Estimate),
    notifications: rows.flatMap(({ kind, state, updated_at }) =>
      kind === null ? [] : [{ channel: 'email', kind, state, at: updated_at.toISOString() }],
    ),
  };
}

/** Reads the places of waiting parties from the position service; returns none while it is unavailable. */
export async function loadPlaces(
  deps: Deps,
  records: readonly PartyRecord[],
): Promise<Map<string, Place>> {
  const waiting = records.filter(({ state }) => state === 'waiting');
  const [first] = waiting;
  if (first === undefined) return new Map();
  try {
    const { places } = await deps.position.call(getPlaces, {
      params: { queueId: first.queueId },
      body: { partyIds: waiting.map(({ partyId }) => partyId) },
      timeoutMs: 2_000,
    });
    return new Map(
      waiting.flatMap(({ partyId }, index) => {
        const place = places[index];
        return place ? [[partyId, place]] : [];
      }),
    );
  } catch (error) {
    deps.logger.warn({ err: error }, 'answering without positions');
    return new Map();
  }
}

/** Parties of one queue as staff see them. */
export async function staffViews(
  deps: Deps,
  records: readonly PartyRecord[],
  places: ReadonlyMap<string, Place>,
): Promise<Party[]> {
  const details = await loadDetails(deps, records);
  return records.map((record) =>
    staffViewOf(deps, record, places.get(record.partyId) ?? null, details.get(record.partyId)),
  );
}

/** A party as staff see it. */
export function staffViewOf(
  deps: Deps,
  { partyId: id, ...facts }: PartyRecord,
  place: Place | null,
  details?: PartyDetails,
): Party {
  const ticket = deps.tickets.issue({ queueId: facts.queueId, partyId: id });
  return {
    ...facts,
    id,
    ticket,
    ticketUrl: ticketUrlOf(deps, ticket),
    name: details?.name ?? null,
    email: details?.email ?? null,
    phone: details?.phone ?? null,
    notes: details?.notes ?? null,
    position: place?.position ?? null,
    estimate: place?.estimate ?? null,
    callExpiresAt: (facts.state === 'called' && details?.callExpiresAt) || null,
    quoted: details?.quoted ?? null,
    notifications: details?.notifications ?? [],
  };
}

/** One party as staff see it, with its place if it is waiting. */
export async function staffView(deps: Deps, record: PartyRecord): Promise<Party> {
  const places = await loadPlaces(deps, [record]);
  return (await staffViews(deps, [record], places))[0] as Party;
}

const selectForGuest = `
  SELECT c.name, p.snoozes, ${selectExpiry} AS call_expires_at
  FROM parties AS p LEFT JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id
  WHERE p.queue_id = ? AND p.id = ?`;

type GuestRow = { name: string | null; snoozes: number; call_expires_at: Date | null };

/** A party as its guest sees it. */
export async function guestView(
  { db }: Pick<Deps, 'db'>,
  record: PartyRecord,
  { queue, venue }: Pick<TicketParty, 'queue' | 'venue'>,
): Promise<GuestParty> {
  const ids = [record.queueId, record.partyId].map(uuidToBytes);
  const { rows } = await db.executeQuery(preparedQuery(selectForGuest, ids));
  const { name, snoozes, call_expires_at } = rows[0] as GuestRow;
  const isCalled = stateIn(queue, record.state) === 'called';
  return {
    queueId: record.queueId,
    queueName: queue.name,
    venueName: venue.name,
    ...venueLook(venue),
    text: queue.text,
    endMessage: queue.end_message,
    number: record.number,
    name,
    size: record.size,
    state: record.state,
    joinedAt: record.joinedAt,
    calledAt: record.calledAt,
    callExpiresAt: isCalled ? (call_expires_at?.toISOString() ?? null) : null,
    confirmedAt: record.confirmedAt,
    snoozesLeft: Math.max(0, limits.snoozesMax - snoozes),
  };
}
