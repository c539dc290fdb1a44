import type { MailContent, MailRequestedData } from '@queue-manager/contracts/events';
import type { Deps } from './deps.ts';
import type { MailSubject } from './recipient-limit.ts';

/** A mail by the id of the event that asks for it. */
export type Mail = Pick<MailRequestedData, 'to' | 'locale' | 'content'> & { eventId: string };

/** Sends a mail, once. Throws a `PermanentFailure` when it never can be. */
export const deliverMail =
  ({ sentMails, recipientLimit, renderMail, smtp, logger }: Deps) =>
  async ({ eventId, to, locale, content }: Mail): Promise<void> => {
    const { template } = content;
    const rendered = renderMail(content, locale);
    await sentMails.once(eventId, async () => {
      // The operator must hear of every trouble, also when there is much.
      if (template !== 'operator-alert') await recipientLimit(eventId, to, subjectOf(template));
      await smtp.send({ eventId, to, ...rendered });
      logger.info({ eventId, template }, 'mail sent');
    });
  };

function subjectOf(template: MailContent['template']): MailSubject {
  if (template === 'venue-invitation') return 'invitation';
  return template.startsWith('party-') ? 'party' : 'account';
}
