import type { EventOf } from '@queue-manager/contracts/events';
import { LRUCache } from 'lru-cache';
import type { Deps } from './deps.ts';

const rememberedMax = 10_000;

/**
 * Sends the mail that was asked for. What was sent is remembered in this process alone: a second delivery of
 * the same event to it, during or after the first, sends nothing. It does not protect from a second delivery
 * to another process or after a restart (the message was sent but not deleted from its queue when the
 * process ended), nor when the connection broke between the server's taking the mail and its saying so.
 * Such a repeat has the same Message-ID.
 */
export const onMailRequested = ({ renderMail, smtp, logger }: Deps) => {
  const sent = new LRUCache<string, Promise<void>>({ max: rememberedMax });

  const send = async ({ id, data }: EventOf<'mail.requested'>) => {
    const { to, locale, content } = data;
    await smtp.send({ eventId: id, to, ...renderMail(content, locale) });
    logger.info({ eventId: id, template: content.template }, 'mail sent');
  };

  return async (event: EventOf<'mail.requested'>): Promise<void> => {
    const earlier = sent.get(event.id);
    if (earlier !== undefined) return earlier;
    const sending = send(event);
    sent.set(event.id, sending);
    try {
      await sending;
    } catch (error) {
      sent.delete(event.id);
      throw error;
    }
  };
};
