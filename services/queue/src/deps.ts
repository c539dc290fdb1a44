import type { VerifyAccessToken } from '@queue-manager/service-kit/access-tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { TicketCodec } from '@queue-manager/service-kit/tickets';
import type { Database } from './database.ts';
import type { InvitationTokens } from './invitations.ts';
import type { LineFeed } from './line-feed.ts';
import type { Quotes } from './quotes.ts';
import type { Turns } from './turns.ts';

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
  turns: Turns;
  /** Tells the dispatcher of a task that is due and was not scheduled by a change of a line. */
  wakeDispatcher: () => void;
  verifyAccessToken: VerifyAccessToken;
  internalCredential: string;
};
