import type { EventOf } from '@queue-manager/contracts/events';
import { deliverMail } from './deliver-mail.ts';
import type { Deps } from './deps.ts';

/** Logs an alert, and mails it to the operator, if configured. */
export const onAlertRaised = (deps: Deps) => {
  const { operator, logger } = deps;
  const deliver = deliverMail(deps);

  return async ({ id, data }: EventOf<'alert.raised'>): Promise<void> => {
    logger.error({ eventId: id, alert: data }, 'alert');
    if (operator === undefined) return;
    await deliver({
      eventId: id,
      to: operator.address,
      locale: operator.locale,
      content: { template: 'operator-alert', ...data },
    });
  };
};
