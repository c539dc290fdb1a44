import type { GuestParty } from '@queue-manager/contracts/guests';
import { getPlaces, type Place } from '@queue-manager/contracts/internal';
import type { Party } from '@queue-manager/contracts/parties';
import type { Estimate } from '@queue-manager/contracts/values';
import { bytesToUuid, uuidToBytes } from '@queue-manager/service-kit/ids';
import type { Selectable } from 'kysely';
import { ticketUrlOf } from '../access/ticket-url.ts';
import type { PersonalTable, QueueRow } from '../db/tables.ts';
import type { Deps } from '../deps.ts';
import type { PartyRecord } from '../line/snapshots.ts';
import { loadNotifications } from './notifications.ts';

type PersonalRow = Selectable<PersonalTable>;

/** The rows beside `parties` that a full answer needs, for parties of one queue. */
async function loadDetails(deps: Deps, records: readonly PartyRecord[]) {
  const personal = new Map<string, PersonalRow>();
  const quotes = new Map<string, Estimate>();
  const [first] = records;
  if (first !== undefined) {
    const queueId = uuidToBytes(first.queueId);
    const ids = records.map(({ partyId }) => uuidToBytes(partyId));
    const [personalRows, quoteRows] = await Promise.all([
      deps.db
        .selectFrom('personal')
        .selectAll()
        .where('queue_id', '=', queueId)
        .where('party_id', 'in', ids)
        .execute(),
      deps.db
        .selectFrom('quotes')
        .select(['party_id', 'estimate'])
        .where('queue_id', '=', queueId)
        .where('party_id', 'in', ids)
        .execute(),
    ]);
    for (const row of personalRows) personal.set(bytesToUuid(row.party_id), row);
    for (const row of quoteRows) {
      quotes.set(bytesToUuid(row.party_id), JSON.parse(row.estimate) as Estimate);
    }
  }
  return { personal, quotes };
}

/** Asks the position service for the places of those waiting; null for all when it is away. */
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

/** Parties of one queue as staff see them. `places` overrides what the position service would be asked for. */
export async function staffViews(
  deps: Deps,
  records: readonly PartyRecord[],
  places: Map<string, Place>,
): Promise<Party[]> {
  const [{ personal, quotes }, notifications] = await Promise.all([
    loadDetails(deps, records),
    loadNotifications(
      deps.db,
      records.map(({ partyId }) => uuidToBytes(partyId)),
    ),
  ]);
  return records.map((record) => {
    const { partyId, queueId, orderKey: _, ...facts } = record;
    const person = personal.get(partyId);
    const place = record.state === 'waiting' ? places.get(partyId) : undefined;
    const ticket = deps.tickets.issue({ queueId, partyId });
    return {
      ...facts,
      id: partyId,
      queueId,
      ticket,
      ticketUrl: ticketUrlOf(deps, ticket),
      name: person?.name ?? null,
      email: person?.email ?? null,
      phone: person?.phone ?? null,
      notes: person?.notes ?? null,
      position: place?.position ?? null,
      estimate: place?.estimate ?? null,
      quoted: quotes.get(partyId) ?? null,
      notifications: notifications.get(partyId) ?? [],
    };
  });
}

/** One party as staff see it, with its place asked for when it is waiting. */
export async function staffView(deps: Deps, record: PartyRecord): Promise<Party> {
  const places = await loadPlaces(deps, [record]);
  return (await staffViews(deps, [record], places))[0] as Party;
}

/** A party as its own guest sees it. */
export async function guestView(
  deps: Deps,
  record: PartyRecord,
  queue: Pick<QueueRow, 'name' | 'text' | 'end_message'>,
): Promise<GuestParty> {
  const { personal } = await loadDetails(deps, [record]);
  return {
    queueId: record.queueId,
    queueName: queue.name,
    text: queue.text,
    endMessage: queue.end_message,
    number: record.number,
    name: personal.get(record.partyId)?.name ?? null,
    size: record.size,
    state: record.state,
    joinedAt: record.joinedAt,
    calledAt: record.calledAt,
    confirmedAt: record.confirmedAt,
  };
}
