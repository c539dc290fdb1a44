import { setTimeout as delay } from 'node:timers/promises';
import { mailboxOf } from '@queue-manager/contracts/values';
import { daySeconds } from '@queue-manager/service-kit/durations';
import { addressKeyOf } from '../store/accounts.ts';
import type { Store } from '../store/tables.ts';
import type { Write, Writes } from '../store/transact.ts';
import { type Announcement, type Committer, commit } from './outbox.ts';

const mailsPerDayMax = 3;
/** Longer than the writes take, which are more when there is a mail. */
const responseMs = 250;

/** Responds to a request for a mail after a fixed time, so that it does not tell whether there is an account. */
export async function respondLater<Answer>(answer: Promise<Answer>): Promise<Answer> {
  const [response] = await Promise.all([answer, delay(responseMs)]);
  return response;
}

type Mail = Extract<Announcement, { kind: `mail.${string}` }>;

/**
 * Requests a mail in one transaction with the writes that it belongs to. Writes nothing when the address has
 * reached its mails of the day (UTC, over all its plus-addresses), since the link could not be sent.
 */
export async function requestMail(
  deps: Committer,
  request: { email: string; mail: Mail | null; writes?: Writes; record: Writes },
): Promise<void> {
  const { email, mail, writes = {}, record } = request;
  const refused = await commit(
    deps,
    { ...record, allowance: countRequest(deps, email, mail !== null), ...writes },
    mail === null ? [] : [mail],
  );
  if (refused.length === 0) return;
  if (refused.some((name) => name !== 'allowance')) {
    throw new Error(`Conflicting requests for a mail: ${refused.join(', ')}`);
  }
  // A request without effect is recorded, too, so that its key cannot be reused for another body.
  const refusedRecord = await commit(deps, record);
  if (refusedRecord.length > 0) throw new Error('A repeat of the request was faster');
}

function countRequest({ tables, clock }: Store, email: string, isForMail: boolean): Write {
  const now = clock.now();
  const day = now.toISOString().slice(0, 10);
  const ttl = Math.ceil(now.getTime() / 1_000) + 2 * daySeconds;
  return {
    Update: {
      TableName: tables.signUps.name,
      Key: {
        addressKey: addressKeyOf(mailboxOf(email)),
        sk: `${isForMail ? 'mails' : 'silences'}#${day}`,
      },
      UpdateExpression: 'SET #count = if_not_exists(#count, :none) + :one, #ttl = :ttl',
      ConditionExpression: 'attribute_not_exists(#count) OR #count < :max',
      ExpressionAttributeNames: { '#count': 'count', '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':none': 0,
        ':one': 1,
        ':ttl': ttl,
        ':max': isForMail ? mailsPerDayMax : Number.MAX_SAFE_INTEGER,
      },
    },
  };
}
