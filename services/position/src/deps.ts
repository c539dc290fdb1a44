import type { Clock } from '@queue-manager/service-kit/clock';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Estimates } from './estimates/estimates.ts';
import type { FindParty } from './lines/find-party.ts';
import type { Labels } from './lines/labels.ts';
import type { Lines } from './lines/lines.ts';
import type { Live } from './live/live.ts';

/** What the endpoints of this service are made with. */
export type Deps = {
  clock: Clock;
  tickets: TicketCodec;
  lines: Lines;
  findParty: FindParty;
  labels: Labels;
  estimates: Estimates;
  live: Live;
  /** How long a direct call may wait for a line to be rebuilt; milliseconds. */
  directRebuildWaitMs: number;
};
