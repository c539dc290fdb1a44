import { BatchWriteCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { newId } from '@queue-manager/service-kit/ids';
import { currentContext, type RequestContext } from '@queue-manager/service-kit/request-context';
import type { SignUpName } from '../store/sign-ups.ts';
import type { Store } from '../store/tables.ts';
import { transact, type Write, type Writes } from '../store/transact.ts';

/**
 * What a change announces: a mail or an event, by ids alone. Names, addresses and tokens are put in when it is
 * published, from where they stand.
 */
export type Announcement =
  | { kind: 'mail.verify-account'; signUp: SignUpName }
  | { kind: 'mail.account-exists'; userId: string }
  | { kind: 'mail.reset-password'; userId: string; passwordVersion: number; expiresAt: string }
  | { kind: 'user.verified'; userId: string }
  | { kind: 'user.deleted'; userId: string };

export type OutboxItem = {
  /** Also the id of the event, so that one published twice is known as one. */
  id: string;
  createdAt: string;
  /** The request that it comes from; items from a time before this was kept have none. */
  context?: RequestContext;
  announcement: Announcement;
};

/**
 * One partition, so that one query reads the oldest first. DynamoDB takes about 300 such items a second in one,
 * many times what the hashing of passwords lets through; another shard is another value here.
 */
const shardId = '0';
const pageSize = 100;
/** As many as BatchWriteItem takes. */
const deletesMax = 25;

/** The store, and the relay that publishes what was committed. */
export type Committer = Store & { relay: { send(items: OutboxItem[]): void } };

/** Commits a change and what it announces together, and hands the announcements to the relay of this process. */
export async function commit(
  deps: Committer,
  writes: Writes,
  announcements: Announcement[] = [],
): Promise<string[]> {
  const createdAt = deps.clock.now().toISOString();
  const items = announcements.map((announcement) => ({
    id: newId(deps.clock),
    createdAt,
    context: currentContext() ?? {},
    announcement,
  }));
  const outbox = items.map((item): [string, Write] => [
    `outbox ${item.id}`,
    { Put: { TableName: deps.tables.outbox.name, Item: { shardId, ...item } } },
  ]);
  const refused = await transact(deps.db, { ...writes, ...Object.fromEntries(outbox) });
  if (refused.length === 0) deps.relay.send(items);
  return refused;
}

/** Pages of what waits, oldest first. */
export async function* readOutbox({ db, tables }: Store): AsyncGenerator<OutboxItem[]> {
  let start: Record<string, unknown> | undefined;
  do {
    const { Items: items = [], LastEvaluatedKey: end } = await db.send(
      new QueryCommand({
        TableName: tables.outbox.name,
        KeyConditionExpression: 'shardId = :shardId',
        ExpressionAttributeValues: { ':shardId': shardId },
        ConsistentRead: true,
        Limit: pageSize,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    yield items as OutboxItem[];
    start = end;
  } while (start !== undefined);
}

/** Deletes what was published. What DynamoDB leaves over is published again later, with the same id. */
export async function deleteFromOutbox({ db, tables }: Store, ids: string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += deletesMax) {
    const requests = ids
      .slice(at, at + deletesMax)
      .map((id) => ({ DeleteRequest: { Key: { shardId, id } } }));
    await db.send(new BatchWriteCommand({ RequestItems: { [tables.outbox.name]: requests } }));
  }
}
