import { daySeconds } from '@queue-manager/service-kit/durations';
import type { Store } from '../store/tables.ts';
import type { Write, Writes } from '../store/transact.ts';
import { type Announcement, type Committer, commit } from './outbox.ts';

const mailsADayMax = 3;

type Mail = Extract<Announcement, { kind: `mail.${string}` }>;

/**
 * Asks for a mail in one transaction with the writes that it belongs to. When the address had its mails of the
 * day (UTC) already, none of it happens: a link that cannot be sent is of no use to anyone. Without a mail it
 * goes through the same motions, so that the time taken does not tell whether there is an account.
 */
export async function requestMail(
  deps: Committer,
  request: { addressKey: string; mail: Mail | null; writes?: Writes; memory: Writes },
): Promise<void> {
  const { addressKey, mail, writes = {}, memory } = request;
  const refused = await commit(
    deps,
    { ...memory, allowance: countRequest(deps, addressKey, mail !== null), ...writes },
    mail === null ? [] : [mail],
  );
  if (refused.length === 0) return;
  if (refused.some((name) => name !== 'allowance')) {
    throw new Error(`A request for a mail met another: ${refused.join(', ')}`);
  }
  // Also a request without effect is remembered, so that its key cannot be used for another body.
  const refusedMemory = await commit(deps, memory);
  if (refusedMemory.length > 0) throw new Error('A repeat of the request was faster');
}

function countRequest({ tables, clock }: Store, addressKey: string, isForMail: boolean): Write {
  const now = clock.now();
  const day = now.toISOString().slice(0, 10);
  const ttl = Math.ceil(now.getTime() / 1_000) + 2 * daySeconds;
  return {
    Update: {
      TableName: tables.signUps.name,
      Key: { addressKey, sk: `${isForMail ? 'mails' : 'silences'}#${day}` },
      UpdateExpression: 'SET #count = if_not_exists(#count, :none) + :one, #ttl = :ttl',
      ConditionExpression: 'attribute_not_exists(#count) OR #count < :max',
      ExpressionAttributeNames: { '#count': 'count', '#ttl': 'ttl' },
      ExpressionAttributeValues: {
        ':none': 0,
        ':one': 1,
        ':ttl': ttl,
        ':max': isForMail ? mailsADayMax : Number.MAX_SAFE_INTEGER,
      },
    },
  };
}
