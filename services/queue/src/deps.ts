import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Gate, KeyedGate } from '@queue-manager/service-kit/limits/gate';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { InvitationTokens } from './access/invitation-tokens.ts';
import type { UnsubscribeTokens } from './access/unsubscribe-tokens.ts';
import type { Database } from './db/database.ts';
import type { KeyedMutex } from './line/keyed-mutex.ts';
import type { LineFeed } from './line/line-feed.ts';
import type { Quotes } from './line/quotes.ts';

/** The dependencies of endpoints, consumers and tasks. */
export type Deps = {
  db: Database;
  clock: Clock;
  logger: Logger;
  tickets: TicketCodec;
  invitationTokens: InvitationTokens;
  unsubscribeTokens: UnsubscribeTokens;
  /** Base of the links to tickets, joining, invitations and unsubscribing; no trailing slash. */
  publicUrl: string;
  position: InternalClient;
  users: InternalClient;
  /** Takes events after their commit. */
  feed: LineFeed;
  quotes: Quotes;
  /** Limits how many connections wait for the lock of one queue, by its id. */
  lines: KeyedGate;
  /** Makes the joins of a venue take turns while others have some, by venue. */
  joins: KeyedGate;
  /** Makes the pages of lists that an account reads take turns, by account. */
  lists: KeyedGate;
  /** Limits the reports that are made at the same time, by account. */
  reports: KeyedGate;
  /** Limits the downloads that are under way, by account. */
  downloads: KeyedGate;
  /** Limits the pages of reports and downloads that are read at the same time. */
  pages: Gate;
  /** Makes repeats of a join wait for the answer to the first. */
  repeats: KeyedMutex;
  /** For due tasks that no change of a queue scheduled; after those, the feed wakes the dispatcher. */
  wakeDispatcher: () => void;
  verifyAccessToken: VerifyAccessToken;
  internalCredential: string;
};
