import type { ConsumerOptions } from '@queue-manager/events/consume';
import type { Logger } from '@queue-manager/service-kit/logging';
import type { RenderMail } from './render-mail.ts';
import type { Smtp } from './smtp.ts';

export type Deps = {
  logger: Logger;
  internalCredential: string;
  sqs: ConsumerOptions['sqs'];
  sqsPrefix: string;
  smtp: Smtp;
  renderMail: RenderMail;
};
