import type { MailContent, MailRequestedData } from '@queue-manager/contracts/events';
import { SpanKind, withSpan } from '@queue-manager/service-kit/telemetry/spans';
import type { Deps } from './deps.ts';
import type { MailSubject } from './mail-limits.ts';
import { MailSkipped } from './mail-skipped.ts';

/** A mail and the id of the event that requested it. */
type Mail = Pick<MailRequestedData, 'to' | 'locale' | 'content' | 'order' | 'newSender'> & {
  eventId: string;
};

/** Sends a mail once. Throws `MailSkipped` when a rule forbids it, and `PermanentFailure` when it can never be sent. */
export const deliverMail =
  ({ sentMails, partyOrder, mailLimits, renderMail, smtp, logger, countMail }: Deps) =>
  async ({ eventId, to, locale, content, order, newSender }: Mail): Promise<void> => {
    const { template } = content;
    const rendered = renderMail(content, locale);
    const send = async () => {
      if (newSender !== undefined) await mailLimits.countRecipient(newSender, to);
      // Alerts to the operator are not limited.
      if (template !== 'operator-alert')
        await mailLimits.countMail(eventId, to, subjectOf(template));
      const unsubscribeLink = 'unsubscribeLink' in content ? content.unsubscribeLink : undefined;
      await withSpan(`smtp ${template}`, { kind: SpanKind.CLIENT }, () =>
        smtp.send({ eventId, to, ...rendered, unsubscribeLink }),
      );
      countMail({ template, outcome: 'sent' });
      logger.info({ eventId, template }, 'mail sent');
    };
    try {
      await sentMails.once(eventId, () => (order === undefined ? send() : partyOrder(order, send)));
    } catch (error) {
      countMail({ template, outcome: error instanceof MailSkipped ? 'skipped' : 'failed' });
      throw error;
    }
  };

function subjectOf(template: MailContent['template']): MailSubject {
  if (template === 'venue-invitation') return 'invitation';
  return template.startsWith('party-') ? 'party' : 'account';
}
