import { everyItem } from '@queue-manager/client/client';
import type { NamedHistoryEvent } from '@queue-manager/contracts/history';
import type { Party } from '@queue-manager/contracts/parties';
import type { Api } from '../../session/api.ts';
import type { PartyThen } from './replay.ts';

/** The events of a queue from `from` to before `to`, in milliseconds. */
export type Span = { queueId: string; from: number; to: number };

/** A night has a few thousand at most. */
const eventsMax = 20_000;
const pageSize = 100;

/** What happened in the span, in order, and who was in line without anything happening to them. */
export type NightEvents = { events: NamedHistoryEvent[]; others: PartyThen[] };

/** @param known what of the night has been read before: only what has happened since is read. */
export async function readNight(
  api: Pick<Api, 'succeed'>,
  { queueId, from, to }: Span,
  signal: AbortSignal,
  known?: NightEvents,
): Promise<NightEvents> {
  const params = { queueId };
  const events = [...(known?.events ?? [])];
  const first = events.at(-1)?.seq ?? (await lastBefore(api, queueId, from, signal));
  const pages = everyItem((page) =>
    api.succeed('listQueueEvents', {
      params,
      query: { after: first, limit: pageSize, ...page },
      signal,
    }),
  );
  for await (const event of pages) {
    if (Date.parse(event.time) >= to || events.length === eventsMax) break;
    events.push(event);
  }
  return { events, others: known?.others ?? (await othersIn(api, queueId, from, events, signal)) };
}

/** The number of the last event before a moment: they have no gaps, so it is found like a name in a directory. */
async function lastBefore(
  api: Pick<Api, 'succeed'>,
  queueId: string,
  moment: number,
  signal: AbortSignal,
): Promise<number> {
  const params = { queueId };
  const newest = await api.succeed('listQueueEvents', {
    params,
    query: { order: 'desc', limit: 1 },
    signal,
  });
  let [low, high] = [0, newest.data[0]?.seq ?? 0];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const { data } = await api.succeed('listQueueEvents', {
      params,
      query: { after: middle, limit: 1 },
      signal,
    });
    const [event] = data;
    if (event === undefined || Date.parse(event.time) >= moment) high = middle;
    else low = event.seq;
  }
  return low;
}

async function othersIn(
  api: Pick<Api, 'succeed'>,
  queueId: string,
  from: number,
  events: readonly NamedHistoryEvent[],
  signal: AbortSignal,
): Promise<PartyThen[]> {
  const seen = new Set(events.map(({ partyId }) => partyId));
  const others: PartyThen[] = [];
  const inLine = everyItem<Party>((page) =>
    api.succeed('listParties', {
      params: { queueId },
      query: { limit: pageSize, ...page },
      signal,
    }),
  );
  for await (const party of inLine) {
    if (!seen.has(party.id) && Date.parse(party.joinedAt) < from) others.push(party);
  }
  return others;
}
