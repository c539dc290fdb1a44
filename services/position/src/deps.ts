import type { LineEvent } from '@queue-manager/contracts/internal';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Estimates } from './estimates/estimates.ts';
import type { Labels } from './lines/labels.ts';
import type { Lines } from './lines/lines.ts';
import type { AnnounceChange } from './projection/announce-change.ts';

/**
 * Dependencies of the endpoints. The rooms below it (model, projection, lines, estimates) must not import this file;
 * what only live streams need is in `LiveDeps`.
 */
export type Deps = {
  clock: Clock;
  tickets: TicketCodec;
  lines: Lines;
  announceChange: AnnounceChange;
  queueService: InternalClient;
  labels: Labels;
  estimates: Estimates;
  /** How long a direct call may wait for a rebuild of its queue's projection. */
  directRebuildWaitMs: number;
  /** Called for each event that was delivered and is applied. */
  onApplied(event: LineEvent): void;
};
