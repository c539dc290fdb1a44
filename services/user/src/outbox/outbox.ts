import { BatchWriteCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { newId } from '@queue-manager/service-kit/ids';
import { currentContext, type RequestContext } from '@queue-manager/service-kit/request-context';
import type { SignUpKey } from '../store/sign-ups.ts';
import type { Store } from '../store/tables.ts';
import { transact, type Write, type Writes } from '../store/transact.ts';

/**
 * A mail or an event that follows from a change, by ids only. Names, addresses and tokens are added when it is
 * published.
 */
export type Announcement =
  | { kind: 'mail.verify-account'; signUp: SignUpKey }
  | { kind: 'mail.account-exists'; userId: string }
  | { kind: 'mail.reset-password'; userId: string; passwordVersion: number; expiresAt: string }
  | { kind: 'user.verified'; userId: string }
  | { kind: 'user.deleted'; userId: string };

export type OutboxItem = {
  /** Also the id of the event, so that consumers recognise a repeat. */
  id: string;
  createdAt: string;
  /** The trace context of the request; absent in items of older versions. */
  context?: RequestContext;
  announcement: Announcement;
};

/**
 * One partition, so that one query reads the oldest items first. It takes about 300 items a second, many times more
 * than password hashing allows. More shards would be more values.
 */
const shardId = '0';
const pageSize = 100;
/** The limit of BatchWriteItem. */
const deletesMax = 25;

/** The store, and the relay that publishes what was committed. */
export type Committer = Store & { relay: { send(items: OutboxItem[]): void } };

/**
 * Commits a change and its announcements in one transaction, and passes the announcements to the relay of this
 * process. Returns the names of the refused writes, as `transact` does.
 */
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

/** The unpublished items in pages, oldest first. */
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

/** Deletes published items. Those that DynamoDB does not process are published again later, with the same id. */
export async function deleteFromOutbox({ db, tables }: Store, ids: string[]): Promise<void> {
  for (let at = 0; at < ids.length; at += deletesMax) {
    const requests = ids
      .slice(at, at + deletesMax)
      .map((id) => ({ DeleteRequest: { Key: { shardId, id } } }));
    await db.send(new BatchWriteCommand({ RequestItems: { [tables.outbox.name]: requests } }));
  }
}
