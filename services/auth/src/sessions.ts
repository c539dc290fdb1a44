import { randomBytes } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import {
  BatchWriteCommand,
  DeleteCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Account } from '@queue-manager/contracts/internal';
import { tokenLives } from '@queue-manager/contracts/tokens';
import type { Clock } from '@queue-manager/service-kit/clock';
import { newId } from '@queue-manager/service-kit/ids';
import type { Tables } from './tables.ts';

/** One sign-in, and the family of refresh tokens that followed from it. */
export type Session = {
  userId: string;
  id: string;
  /** Half of the key of its refresh tokens. */
  secret: string;
  /** Number of the refresh token that is next to be spent. */
  counter: number;
  /** When the tokens before it were spent (epoch milliseconds), the latest first; of late ones only. */
  spentAt: number[];
  /** The account's when the session was opened. */
  passwordVersion: number;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
};

/** What it takes to read and write the table. */
export type Store = { db: DynamoDBDocumentClient; tables: Tables; clock: Clock };

/** More than anyone spends in the time of grace; bounds the item. */
const spentMax = 50;
/** As many as BatchWriteItem takes. */
const deletesMax = 25;
const pageSize = 100;
/** More than anyone has devices; a program that signs in for every request does not fill the table. */
export const sessionsMax = 50;

/** A session's life starts anew with every use. */
function lifeFrom(now: Date) {
  const expiresAt = new Date(now.getTime() + tokenLives.refreshSeconds * 1_000);
  return {
    lastUsedAt: now.toISOString(),
    expiresAt: expiresAt.toISOString(),
    ttl: Math.ceil(expiresAt.getTime() / 1_000),
  };
}

export async function openSession(
  { db, tables, clock }: Store,
  { userId, passwordVersion }: { userId: string; passwordVersion: number },
): Promise<Session> {
  const now = clock.now();
  const session = {
    userId,
    id: newId(clock),
    secret: randomBytes(32).toString('base64url'),
    counter: 0,
    spentAt: [],
    passwordVersion,
    createdAt: now.toISOString(),
    ...lifeFrom(now),
  };
  await db.send(new PutCommand({ TableName: tables.sessions.name, Item: session }));
  return session;
}

/** DynamoDB deletes late: only the clock says whether a session has expired. */
const isOpen = ({ clock }: Store, session: Session) =>
  session.expiresAt > clock.now().toISOString();

/** Whether a session was opened with the account's present password, or kept when it was changed. */
export function countsFor(account: Account, session: Session): boolean {
  return (
    session.passwordVersion === account.passwordVersion || session.id === account.keptSessionId
  );
}

export async function findSession(
  store: Store,
  key: { userId: string; id: string },
): Promise<Session | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.sessions.name,
      Key: { userId: key.userId, id: key.id },
      ConsistentRead: true,
    }),
  );
  const session = item as Session | undefined;
  return session !== undefined && isOpen(store, session) ? session : undefined;
}

/**
 * Spends the refresh token that is next. Of concurrent attempts one succeeds; the others get undefined, as they
 * do when the session ended meanwhile.
 */
export async function spendToken(store: Store, session: Session): Promise<Session | undefined> {
  const now = store.clock.now();
  const graceStart = now.getTime() - tokenLives.reuseGraceSeconds * 1_000;
  const late = session.spentAt.filter((at) => at >= graceStart).slice(0, spentMax - 1);
  const next = {
    counter: session.counter + 1,
    spentAt: [now.getTime(), ...late],
    ...lifeFrom(now),
  };
  const isSpent = await isConditionMet(() =>
    store.db.send(
      new UpdateCommand({
        TableName: store.tables.sessions.name,
        Key: { userId: session.userId, id: session.id },
        UpdateExpression:
          'SET #counter = :counter, spentAt = :spentAt, lastUsedAt = :lastUsedAt, expiresAt = :expiresAt, #ttl = :ttl',
        ConditionExpression: '#counter = :read',
        ExpressionAttributeNames: { '#counter': 'counter', '#ttl': 'ttl' },
        ExpressionAttributeValues: {
          ...Object.fromEntries(Object.entries(next).map(([name, value]) => [`:${name}`, value])),
          ':read': session.counter,
        },
      }),
    ),
  );
  return isSpent ? { ...session, ...next } : undefined;
}

/** Ends a session. Says whether there was one. */
export async function deleteSession(
  { db, tables, clock }: Store,
  { userId, id }: { userId: string; id: string },
): Promise<boolean> {
  return isConditionMet(() =>
    db.send(
      new DeleteCommand({
        TableName: tables.sessions.name,
        Key: { userId, id },
        ConditionExpression: 'expiresAt > :now',
        ExpressionAttributeValues: { ':now': clock.now().toISOString() },
      }),
    ),
  );
}

/** Sessions of an account that have not expired, the newest first, from the one after `afterId`. */
export async function* readSessions(
  store: Store,
  userId: string,
  afterId?: string,
): AsyncGenerator<Session> {
  let start: Record<string, unknown> | undefined =
    afterId === undefined ? undefined : { userId, id: afterId };
  do {
    const { Items: items = [], LastEvaluatedKey: end } = await store.db.send(
      new QueryCommand({
        TableName: store.tables.sessions.name,
        KeyConditionExpression: 'userId = :userId',
        ExpressionAttributeValues: { ':userId': userId },
        ScanIndexForward: false,
        ConsistentRead: true,
        Limit: pageSize,
        ...(start === undefined ? {} : { ExclusiveStartKey: start }),
      }),
    );
    yield* (items as Session[]).filter((session) => isOpen(store, session));
    start = end;
  } while (start !== undefined);
}

/**
 * Ends the sessions of an account but the newest `sessionsMax`, by when they were opened: ids say that. There is
 * mostly nothing to end, and one query of as many keys; two sign-ins at once may both end the same.
 */
export async function deleteOldSessions({ db, tables }: Store, userId: string): Promise<void> {
  const { LastEvaluatedKey: newest } = await db.send(
    new QueryCommand({
      TableName: tables.sessions.name,
      KeyConditionExpression: 'userId = :userId',
      ExpressionAttributeValues: { ':userId': userId },
      ProjectionExpression: 'userId, id',
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: sessionsMax,
    }),
  );
  // The oldest of those that stay; none when there is nothing behind it.
  if (newest === undefined) return;
  for (;;) {
    const { Items: keys = [] } = await db.send(
      new QueryCommand({
        TableName: tables.sessions.name,
        KeyConditionExpression: 'userId = :userId AND id < :oldest',
        ExpressionAttributeValues: { ':userId': userId, ':oldest': newest.id },
        ProjectionExpression: 'userId, id',
        ConsistentRead: true,
        Limit: deletesMax,
      }),
    );
    if (keys.length === 0) return;
    await deleteSessions({ db, tables }, keys);
  }
}

/** Ends every session of an account. */
export async function deleteSessionsOf({ db, tables }: Store, userId: string): Promise<void> {
  for (;;) {
    const { Items: keys = [] } = await db.send(
      new QueryCommand({
        TableName: tables.sessions.name,
        KeyConditionExpression: 'userId = :userId',
        ExpressionAttributeValues: { ':userId': userId },
        ProjectionExpression: 'userId, id',
        ConsistentRead: true,
        Limit: deletesMax,
      }),
    );
    if (keys.length === 0) return;
    await deleteSessions({ db, tables }, keys);
  }
}

/** What DynamoDB leaves over, the caller's next round finds again. */
async function deleteSessions(
  { db, tables }: Pick<Store, 'db' | 'tables'>,
  keys: Record<string, unknown>[],
): Promise<void> {
  const requests = keys.map((Key) => ({ DeleteRequest: { Key } }));
  await db.send(new BatchWriteCommand({ RequestItems: { [tables.sessions.name]: requests } }));
}

async function isConditionMet(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return false;
    throw error;
  }
}
