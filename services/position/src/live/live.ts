import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { FindParty } from '../lines/find-party.ts';
import type { Lines } from '../lines/lines.ts';
import type { RedisConnection } from '../projection/redis.ts';
import { find } from '../reads/get-position.ts';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { createLineEvents, type LineEvents } from './line-events.ts';
import { createLineWatch, type LineWatch } from './line-watch.ts';
import { createTicketStreams, type TicketStreams } from './ticket-streams.ts';

/** What live streams are made with. */
export type Live = {
  streams: EventStreams;
  watch: LineWatch;
  lineEvents: LineEvents;
  ticketStreams: TicketStreams;
  /** Ends all streams, whose clients then go to another process. */
  close(): void;
};

export function createLive(given: {
  redis: RedisConnection;
  lines: Lines;
  findParty: FindParty;
  queueService: InternalClient;
  clock: Clock;
  logger: Logger;
  checkMs?: number | undefined;
}): Live {
  const { redis, lines, findParty, queueService, clock, logger } = given;
  const streams = createEventStreams();
  const ticketStreams = createTicketStreams({ redis: redis.client, clock, logger });
  const watch = createLineWatch({
    subscriptions: redis.subscriptions,
    lines,
    find: (subject) => find({ lines, findParty }, subject),
    onStreamEnded: ticketStreams.onEnded,
    onHoldersAsked: ticketStreams.onAsked,
    logger,
    checkMs: given.checkMs,
  });
  const lineEvents = createLineEvents({ watch, queueService, logger });
  return {
    streams,
    watch,
    lineEvents,
    ticketStreams,
    close() {
      streams.close();
      lineEvents.close();
      watch.close();
      ticketStreams.close();
    },
  };
}
