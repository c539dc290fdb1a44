import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { InvitationTokens } from './access/invitation-tokens.ts';
import type { Database } from './db/database.ts';
import type { KeyedMutex } from './line/keyed-mutex.ts';
import type { LineFeed } from './line/line-feed.ts';
import type { Quotes } from './line/quotes.ts';

/** What the endpoints of this service are made with. */
export type Deps = {
  db: Database;
  clock: Clock;
  logger: Logger;
  tickets: TicketCodec;
  invitationTokens: InvitationTokens;
  /** Base of the links to tickets, joining and invitations, without a trailing slash. */
  publicUrl: string;
  position: InternalClient;
  users: InternalClient;
  /** Where events go once they are committed. */
  feed: LineFeed;
  quotes: Quotes;
  /** Repeats of a join that is still being answered wait for its whole answer. */
  repeats: KeyedMutex;
  /** Tells the dispatcher of a task that is due and was not scheduled by a change of a line. */
  wakeDispatcher: () => void;
  verifyAccessToken: VerifyAccessToken;
  internalCredential: string;
};
