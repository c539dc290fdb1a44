/** The mailer as Lambda functions: `onMails` of the queue `mails`, `onAlertMails` of `alert-mails`. */
import { createLambdaBatch, type LambdaBatch } from '@queue-manager/events/lambda-batch';
import { readConfig } from '@queue-manager/service-kit/config';
import { mailerLambdaEnv } from './config.ts';
import { connectMailer } from './connect.ts';
import { createDeps } from './deps.ts';
import { onAlertRaised } from './on-alert-raised.ts';
import { onMailFailed, onMailRequested } from './on-mail-requested.ts';

const options = await connectMailer(readConfig(mailerLambdaEnv));
// A function is never told that it ends.
const deps = createDeps(options, new AbortController().signal);
const { sqs, sqsPrefix: prefix, logger } = deps;

export const onMails: LambdaBatch = createLambdaBatch({
  sqs,
  prefix,
  logger,
  queue: 'mails',
  handlers: { 'mail.requested': onMailRequested(deps) },
  onDeadLetter: onMailFailed(deps),
});

export const onAlertMails: LambdaBatch = createLambdaBatch({
  sqs,
  prefix,
  logger,
  queue: 'alert-mails',
  handlers: { 'alert.raised': onAlertRaised(deps) },
});
