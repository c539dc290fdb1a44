import { pipeline, Readable } from 'node:stream';
import type { PartySource, PartyState } from '@queue-manager/contracts/parties';
import { exportParties as contract } from '@queue-manager/contracts/reports';
import type { Estimate } from '@queue-manager/contracts/values';
import type { KeyedGate } from '@queue-manager/service-kit/limits/gate';
import { type Handler, route } from '@queue-manager/service-kit/route';
import { stringify } from 'csv-stringify';
import type { FastifyReply } from 'fastify';
import { sql } from 'kysely';
import { queueFor } from '../access/membership.ts';
import type { Deps } from '../deps.ts';
import { businessDayOf } from '../line/business-day.ts';
import { laneOf } from '../line/snapshots.ts';
import { escapeFormulas, keepAsText } from './csv-cell.ts';
import { periodOf } from './period.ts';
import { joinQuotes, readPeriod, waitSecondsOf } from './read-period.ts';
import { createWallClock, type WallClock } from './wall-clock.ts';

/**
 * Streams page by page, as fast as the client reads. A disconnect stops the reading; a database error aborts the
 * connection, so that half a file never looks complete. Each page is its own read: a slow client must not hold a
 * snapshot of the tables open.
 */
export const exportParties = (deps: Deps) =>
  route(contract, async function exportParties(request, reply) {
    // Before anything is read, so that a refusal costs next to nothing.
    const end = await enter(deps.downloads, request.claims.sub);
    try {
      return await download(deps, request, reply, end);
    } catch (error) {
      end();
      throw error;
    }
  });

/** Resolves when the gate lets this account in, with what leaves it again. */
async function enter(gate: KeyedGate, account: string): Promise<() => void> {
  const { promise: isOver, resolve: end } = Promise.withResolvers<void>();
  const { promise: begun, resolve: begin, reject: refuse } = Promise.withResolvers<void>();
  gate
    .run(account, () => {
      begin();
      return isOver;
    })
    .catch(refuse);
  await begun;
  return end;
}

async function download(
  deps: Deps,
  { params, query, claims }: Parameters<Handler<typeof contract>>[0],
  reply: FastifyReply,
  end: () => void,
): Promise<Readable> {
  const { queue, venue } = await queueFor(deps.db, params.queueId, claims.sub, 'manager');
  const period = periodOf(query, venue, deps.clock.now());
  const dayOf = (moment: Date) => businessDayOf(moment, venue.timezone, venue.day_starts_at);
  const days = [dayOf(period.from), dayOf(new Date(period.to.getTime() - 1))];
  const disposition = `attachment; filename="parties-${fileDays(days)}.csv"`;
  if (reply.request.method === 'HEAD') {
    // Fastify would read the stream to its end and discard it. An empty stream sets no content-length.
    reply.header('content-disposition', disposition);
    end();
    return Readable.from([]);
  }

  const wallClock = createWallClock(venue.timezone);
  const pages = readPeriod<Visit>(deps, queue.id, period, reading);
  // Read before the answer starts, so that an unavailable database still becomes a problem.
  const first = await pages.next();

  async function* rows() {
    try {
      for (let page = first; !page.done; page = await pages.next()) {
        for (const visit of page.value) yield cellsOf(visit, wallClock);
      }
    } finally {
      await pages.return(undefined);
    }
  }
  const csv = stringify({
    // Without a byte order mark, spreadsheets assume a legacy character set.
    bom: true,
    header: true,
    columns: [...columns],
    // RFC 4180
    record_delimiter: 'windows',
    cast: { string: escapeFormulas },
  });
  // The reader of `csv` gets the error; there is nothing else to do about it here.
  pipeline(Readable.from(rows()), csv, () => end());

  reply.header('content-disposition', disposition);
  return csv;
}

/** `2026-11-20` or `2026-11-20-to-2026-11-27` */
function fileDays(days: string[]): string {
  return [...new Set(days)].join('-to-');
}

const columns = [
  'number',
  'name',
  'size',
  'lane',
  'state',
  'source',
  'email',
  'phone',
  'notes',
  'joinedAt',
  'calledAt',
  'confirmedAt',
  'seatedAt',
  'departedAt',
  'endedAt',
  'calls',
  'waitSeconds',
  'quotedP50Seconds',
] as const;

const reading = {
  columns: sql`p.id, p.number, p.size, p.lane, p.state, p.source, p.joined_at, p.served_at, p.called_at,
    p.confirmed_at, p.seated_at, p.departed_at, p.ended_at, p.calls,
    c.name, c.email, c.phone, c.notes, t.estimate`,
  joins: sql`LEFT JOIN personal AS c ON c.queue_id = p.queue_id AND c.party_id = p.id ${joinQuotes}`,
};

type Visit = {
  id: Buffer;
  number: number;
  size: number;
  lane: number;
  state: PartyState;
  source: PartySource;
  joined_at: Date;
  served_at: Date | null;
  called_at: Date | null;
  confirmed_at: Date | null;
  seated_at: Date | null;
  departed_at: Date | null;
  ended_at: Date | null;
  calls: number;
  /** Null once erased. */
  name: string | null;
  email: string | null;
  phone: string | null;
  notes: string | null;
  /** JSON */
  estimate: string | null;
};

function cellsOf(
  visit: Visit,
  wallClock: WallClock,
): Record<(typeof columns)[number], string | number | null> {
  const time = (moment: Date | null) => (moment === null ? null : wallClock.show(moment));
  return {
    number: visit.number,
    name: keepAsText(visit.name),
    size: visit.size,
    lane: laneOf(visit.lane),
    state: visit.state,
    source: visit.source,
    email: keepAsText(visit.email),
    phone: keepAsText(visit.phone),
    notes: keepAsText(visit.notes),
    joinedAt: time(visit.joined_at),
    calledAt: time(visit.called_at),
    confirmedAt: time(visit.confirmed_at),
    seatedAt: time(visit.seated_at),
    departedAt: time(visit.departed_at),
    endedAt: time(visit.ended_at),
    calls: visit.calls,
    waitSeconds: waitSecondsOf(visit),
    quotedP50Seconds: visit.estimate === null ? null : (JSON.parse(visit.estimate) as Estimate).p50,
  };
}
