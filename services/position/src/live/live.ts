import type { Clock } from '@queue-manager/service-kit/clock';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { FindParty } from '../find-party.ts';
import { find } from '../get-position.ts';
import type { Lines } from '../lines.ts';
import type { RedisConnection } from '../redis.ts';
import { createEventStreams, type EventStreams } from './event-streams.ts';
import { createLineWatch, type LineWatch } from './line-watch.ts';
import { createTicketStreams, type TicketStreams } from './ticket-streams.ts';

/** What live streams are made with. */
export type Live = {
  streams: EventStreams;
  watch: LineWatch;
  ticketStreams: TicketStreams;
  /** Ends all streams, whose clients then go to another process. */
  close(): void;
};

export function createLive(given: {
  redis: RedisConnection;
  lines: Lines;
  findParty: FindParty;
  clock: Clock;
  logger: Logger;
}): Live {
  const { redis, lines, findParty, clock, logger } = given;
  const streams = createEventStreams();
  const ticketStreams = createTicketStreams({ redis: redis.client, clock, logger });
  const watch = createLineWatch({
    subscriptions: redis.subscriptions,
    lines,
    find: (subject) => find({ lines, findParty }, subject),
    onStreamEnded: ticketStreams.onEnded,
    logger,
  });
  return {
    streams,
    watch,
    ticketStreams,
    close() {
      streams.close();
      watch.close();
      ticketStreams.close();
    },
  };
}
