import { type Event, type EventData, makeEvent } from '@queue-manager/contracts/events';
import { findAccount } from '../store/accounts.ts';
import { findSignUp } from '../store/sign-ups.ts';
import type { Store } from '../store/tables.ts';
import type { AccountTokens } from './account-tokens.ts';
import type { Announcement, OutboxItem } from './outbox.ts';

/** Makes the event of an outbox item; null when its subject no longer exists or has expired. */
export type EventMaker = (item: OutboxItem) => Promise<Event | null>;

type Mail = EventData<'mail.requested'>;

/** Adds names, addresses and links to announcements, which hold ids only. Deterministic. */
export function createEventMaker(options: {
  store: Store;
  tokens: AccountTokens;
  /** Base of the links in mails. */
  accountUrl: string;
}): EventMaker {
  const { store, tokens, accountUrl } = options;

  async function mailOf(
    announcement: Extract<Announcement, { kind: `mail.${string}` }>,
  ): Promise<Mail | null> {
    if (announcement.kind === 'mail.verify-account') {
      const signUp = await findSignUp(store, announcement.signUp);
      if (signUp === undefined) return null;
      const link = `${accountUrl}/verify?token=${tokens.makeVerification(announcement.signUp)}`;
      return mailTo(signUp, 'verify-account', link);
    }
    const account = await findAccount(store, announcement.userId);
    if (account === undefined) return null;
    if (announcement.kind === 'mail.account-exists') {
      return mailTo(account, 'account-exists', `${accountUrl}/reset`);
    }
    const { userId, passwordVersion } = announcement;
    const expiresAt = new Date(announcement.expiresAt);
    const isExpired = account.passwordVersion !== passwordVersion || expiresAt <= store.clock.now();
    if (isExpired) return null;
    const token = tokens.makeReset({ userId, passwordVersion, expiresAt });
    return mailTo(account, 'reset-password', `${accountUrl}/reset?token=${token}`);
  }

  return async ({ id, createdAt, announcement }) => {
    const envelope = { id, source: '/user', time: createdAt };
    switch (announcement.kind) {
      case 'user.verified':
      case 'user.deleted': {
        const { kind: type, userId } = announcement;
        return makeEvent({ ...envelope, type, subject: userId, data: { userId } });
      }
      case 'mail.verify-account':
      case 'mail.account-exists':
      case 'mail.reset-password': {
        const data = await mailOf(announcement);
        if (data === null) return null;
        const subject = 'signUp' in announcement ? announcement.signUp.id : announcement.userId;
        return makeEvent({ ...envelope, type: 'mail.requested', subject, data });
      }
      default: {
        // During a deployment, a newer version may write kinds that this one does not know.
        const { kind } = announcement satisfies never as Announcement;
        throw new Error(`Unknown announcement kind: ${kind}`);
      }
    }
  };
}

function mailTo(
  { name, email, locale }: { name: string; email: string; locale: string },
  template: 'verify-account' | 'account-exists' | 'reset-password',
  link: string,
): Mail {
  return { to: email, locale, content: { template, name, link } };
}
