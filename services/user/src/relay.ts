import { type Event, type EventData, makeEvent } from '@queue-manager/contracts/events';
import type { Publisher } from '@queue-manager/events/publish';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { AccountTokens } from './account-tokens.ts';
import { findAccount } from './accounts.ts';
import type { Store } from './deps.ts';
import { type Announcement, deleteFromOutbox, type OutboxItem, readOutbox } from './outbox.ts';
import { findSignUp } from './sign-ups.ts';

export type Relay = {
  /** Publishes what was just committed. Returns at once; what fails is left to the poll. */
  send(items: OutboxItem[]): void;
  start(): void;
  /** Stops polling and waits for what is under way. */
  stop(): Promise<void>;
};

const pollMs = 1_000;
/** Younger items are in the hands of the process that wrote them; older ones it failed to publish. */
const leftOverMs = 2_000;

/**
 * Takes events from the outbox to the message queues, at least once and under the same id. The process that
 * commits publishes by itself; the poll finds what a crash or an outage left. Any number of processes may poll.
 */
export function createRelay(options: {
  store: Store;
  publisher: Publisher;
  tokens: AccountTokens;
  /** Base of the links in mails. */
  accountUrl: string;
  logger: Logger;
}): Relay {
  const { store, publisher, tokens, logger } = options;
  const inHand = new Set<string>();
  const underWay = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;

  const link = (page: 'verify' | 'reset', token?: string) => {
    const url = new URL(`${options.accountUrl.replace(/\/$/, '')}/${page}`);
    if (token !== undefined) url.searchParams.set('token', token);
    return url.href;
  };

  /** The mail, or null when what it is about has ended meanwhile. */
  async function mailOf(announcement: Announcement): Promise<EventData<'mail.requested'> | null> {
    switch (announcement.kind) {
      case 'mail.verify-account': {
        const signUp = await findSignUp(store, announcement.signUp);
        if (signUp === undefined) return null;
        const { name, email, locale } = signUp;
        const token = tokens.makeVerification(announcement.signUp);
        const content = { template: 'verify-account', name, link: link('verify', token) } as const;
        return { to: email, locale, content };
      }
      case 'mail.account-exists': {
        const account = await findAccount(store, announcement.userId);
        if (account === undefined) return null;
        const { name, email, locale } = account;
        return {
          to: email,
          locale,
          content: { template: 'account-exists', name, link: link('reset') },
        };
      }
      case 'mail.reset-password': {
        const { userId, passwordVersion } = announcement;
        const expiresAt = new Date(announcement.expiresAt);
        const account = await findAccount(store, userId);
        if (account?.passwordVersion !== passwordVersion || expiresAt <= store.clock.now())
          return null;
        const { name, email, locale } = account;
        const token = tokens.makeReset({ userId, passwordVersion, expiresAt });
        const content = { template: 'reset-password', name, link: link('reset', token) } as const;
        return { to: email, locale, content };
      }
      default:
        return null;
    }
  }

  async function eventOf({ id, createdAt, announcement }: OutboxItem): Promise<Event | null> {
    const envelope = { id, source: '/user', time: createdAt };
    if (announcement.kind === 'user.verified' || announcement.kind === 'user.deleted') {
      const { kind: type, userId } = announcement;
      return makeEvent({ ...envelope, type, subject: userId, data: { userId } });
    }
    const data = await mailOf(announcement);
    if (data === null) return null;
    const subject = 'signUp' in announcement ? announcement.signUp.id : announcement.userId;
    return makeEvent({ ...envelope, type: 'mail.requested', subject, data });
  }

  async function publish(items: OutboxItem[]): Promise<void> {
    const mine = items.filter(({ id }) => !inHand.has(id));
    if (mine.length === 0) return;
    for (const { id } of mine) inHand.add(id);
    try {
      const events = await Promise.all(mine.map(eventOf));
      const { failed } = await publisher.publish(events.filter((event) => event !== null));
      for (const [id, reason] of failed)
        logger.warn({ eventId: id, reason }, 'event not published');
      await deleteFromOutbox(
        store,
        mine.map(({ id }) => id).filter((id) => !failed.has(id)),
      );
    } finally {
      for (const { id } of mine) inHand.delete(id);
    }
  }

  async function poll(): Promise<void> {
    const newest = new Date(store.clock.now().getTime() - leftOverMs).toISOString();
    for await (const items of readOutbox(store)) {
      const leftOver = items.filter(({ createdAt }) => createdAt <= newest);
      await publish(leftOver);
      if (isStopped || leftOver.length < items.length) return;
    }
  }

  function track(work: Promise<void>): Promise<void> {
    const tracked = work
      .catch((err) => logger.warn({ err }, 'outbox not published; trying again'))
      .finally(() => underWay.delete(tracked));
    underWay.add(tracked);
    return tracked;
  }

  async function pollAgain(): Promise<void> {
    await track(poll());
    if (!isStopped) timer = setTimeout(pollAgain, pollMs);
  }

  return {
    send: (items) => {
      if (items.length > 0) void track(publish(items));
    },
    start: () => void pollAgain(),
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await Promise.all(underWay);
    },
  };
}
