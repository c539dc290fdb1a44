import type { EventOf } from '@queue-manager/contracts/events';
import {
  applyEvents,
  getNeighbours,
  getPlaces,
  type LineEvent,
  type Neighbour,
  type Place,
} from '@queue-manager/contracts/internal';
import { lanes } from '@queue-manager/contracts/parties';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { createApp } from '@queue-manager/service-kit/create-app';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { route } from '@queue-manager/service-kit/route';
import { testCredential, testLogger } from '@queue-manager/service-kit/testing';
import { seqOf } from '../line/line-event.ts';

const asOf = new ManualClock().now().toISOString();

/** A fake position service: keeps the waiting parties in order, from the events that it receives. */
export async function startFakePositionService() {
  const events: LineEvent[] = [];
  const occupancyEvents: EventOf<'occupancy.changed'>[] = [];
  /** Waiting parties by queue, first to last. */
  const lines = new Map<string, Neighbour[]>();
  /** Called parties, at the places they were called from. */
  const calledParties = new Map<string, Neighbour>();
  const lineOf = (queueId: string) => {
    const line = lines.get(queueId) ?? [];
    lines.set(queueId, line);
    return line;
  };
  const indexOf = (queueId: string, partyId: string) =>
    lineOf(queueId).findIndex((neighbour) => neighbour.partyId === partyId);
  const state = {
    /** While true, every call fails like a lost connection. */
    isUnavailable: false,
    /** Runs after the neighbours of a place were read, before they are returned. */
    beforeNeighboursLeave: async (): Promise<void> => undefined,
  };
  const app = createApp({ logger: testLogger, readiness: {}, internalCredential: testCredential });
  const placeOf = (queueId: string, partyId: string): Place | null => {
    const index = indexOf(queueId, partyId);
    if (index < 0) return null;
    const p50 = (index + 1) * 60;
    return {
      position: index + 1,
      estimate: { p10: p50 / 2, p50, p90: p50 * 2, model: 'test-1', asOf },
    };
  };
  /** Last applied event by queue. Calls may arrive out of order, as in the real service. */
  const appliedSeqs = new Map<string, number>();
  const failWhileUnavailable = () => {
    if (!state.isUnavailable) return;
    appliedSeqs.clear();
    throw Object.assign(new Error('unavailable'), { code: 'ECONNREFUSED' });
  };
  app.route(
    route(applyEvents, async ({ body }) => {
      failWhileUnavailable();
      return {
        answers: body.events.map((event) => {
          if (event.type === 'occupancy.changed') {
            occupancyEvents.push(event);
            return { outcome: 'applied' as const, place: null };
          }
          const seq = seqOf(event);
          const appliedSeq = appliedSeqs.get(event.data.queueId) ?? seq;
          if (seq > appliedSeq + 1) return { outcome: 'pending' as const, place: null };
          appliedSeqs.set(event.data.queueId, Math.max(appliedSeq, seq));
          events.push(event);
          if (event.type === 'queue.changed') return { outcome: 'applied' as const, place: null };
          const { queueId } = event.data;
          const { partyId, state, lane, orderKey } = event.data.party;
          const line = lineOf(queueId);
          const index = indexOf(queueId, partyId);
          if (index >= 0) line.splice(index, 1);
          const neighbour = { lane, orderKey, partyId };
          if (state === 'waiting') line.splice(indexToInsert(line, neighbour), 0, neighbour);
          if (state === 'called') calledParties.set(partyId, neighbour);
          else calledParties.delete(partyId);
          return { outcome: 'applied' as const, place: placeOf(queueId, partyId) };
        }),
      };
    }),
  );
  app.route(
    route(getPlaces, async ({ params, body }) => {
      failWhileUnavailable();
      return {
        seq: 0,
        waiting: lineOf(params.queueId).length,
        // A minute for each person.
        estimateIfJoined: { p10: 0, p50: 60 * (body.size ?? 1), p90: 600, model: 'test-1', asOf },
        places: body.partyIds.map((partyId) => placeOf(params.queueId, partyId)),
      };
    }),
  );
  app.route(
    route(getNeighbours, async ({ params, body }) => {
      failWhileUnavailable();
      const others = lineOf(params.queueId).filter(({ partyId }) => partyId !== body.partyId);
      const called = body.called ? calledParties.get(body.partyId) : undefined;
      const index =
        called === undefined
          ? indexOf(params.queueId, body.partyId)
          : indexToInsert(others, called);
      if (index < 0)
        return { seq: body.seq, from: null, position: null, before: null, behind: null };
      const wanted = 'position' in body.to ? body.to.position : index + 1 + body.to.places;
      const position = Math.min(wanted, others.length + 1);
      const neighbours = {
        before: others[position - 2] ?? null,
        behind: others[position - 1] ?? null,
      };
      await state.beforeNeighboursLeave();
      return { seq: body.seq, from: index + 1, position, ...neighbours };
    }),
  );
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  return {
    url,
    /** Events of lines. */
    events,
    occupancyEvents,
    state,
    /** Skips events that it was never sent; it answers later ones with `pending` until then. */
    skipTo: (queueId: string, seq: number) => appliedSeqs.set(queueId, seq),
    close: () => app.close(),
  };
}

/** The index of a new party, in line order. Searches from the end, where almost every party joins. */
function indexToInsert(line: readonly Neighbour[], neighbour: Neighbour): number {
  const compare = (other: Neighbour) =>
    lanes.indexOf(neighbour.lane) - lanes.indexOf(other.lane) ||
    Buffer.compare(memberOf(neighbour), memberOf(other));
  let at = line.length;
  while (at > 0 && compare(line[at - 1] as Neighbour) < 0) at -= 1;
  return at;
}

function memberOf({ orderKey, partyId }: Neighbour): Buffer {
  return Buffer.concat([Buffer.from(orderKey, 'hex'), uuidToBytes(partyId)]);
}
