import type { Logger } from '@queue-manager/service-kit/logging';
import type { Deps } from '../deps.ts';
import { findPlace } from '../lines/find-place.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { createLineEvents, type LineEvents } from './line-events.ts';
import { createLineWatch, type LineWatch } from './line-watch.ts';
import { createTicketStreams, type TicketStreams } from './ticket-streams.ts';
import { createVenueEvents, type VenueEvents } from './venue-events.ts';

type Live = {
  streams: EventStreams;
  watch: LineWatch;
  lineEvents: LineEvents;
  venueEvents: VenueEvents;
  ticketStreams: TicketStreams;
  /** Ends all streams; their clients reconnect to another process. */
  close(): void;
};

/** Dependencies of the streaming endpoints. */
export type LiveDeps = Deps & {
  live: Live;
  logger: Logger;
  /** 60 s by default. */
  membershipCheckMs?: number | undefined;
};

export function createLive(
  options: Pick<Deps, 'lines' | 'queueService' | 'clock'> & {
    redis: RedisConnection;
    logger: Logger;
    checkMs?: number | undefined;
    venuePollMs?: number | undefined;
  },
): Live {
  const { redis, lines, queueService, clock, logger } = options;
  const streams = createEventStreams();
  const ticketStreams = createTicketStreams({ redis: redis.client, clock, logger });
  const watch = createLineWatch({
    subscriptions: redis.subscriptions,
    lines,
    findPlace: (subject) => findPlace({ lines, queueService }, subject),
    onStreamEvicted: ticketStreams.onEvicted,
    onHoldersAsked: ticketStreams.onAsked,
    logger,
    checkMs: options.checkMs,
  });
  const lineEvents = createLineEvents({ watch, queueService, logger });
  const venueEvents = createVenueEvents({
    subscriptions: redis.subscriptions,
    queueService,
    logger,
    pollMs: options.venuePollMs,
  });
  return {
    streams,
    watch,
    lineEvents,
    venueEvents,
    ticketStreams,
    close() {
      streams.close();
      lineEvents.close();
      venueEvents.close();
      watch.close();
      ticketStreams.close();
    },
  };
}
