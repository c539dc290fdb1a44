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

/** One sign-in and its family of refresh tokens. */
export type Session = {
  userId: string;
  id: string;
  /** Half of the key of the session's refresh tokens. */
  secret: string;
  /** Counter of the current refresh token. */
  counter: number;
  /** When recent earlier tokens were spent (epoch milliseconds), newest first. */
  spentAt: number[];
  /** The account's password version when the session was opened. */
  passwordVersion: number;
  createdAt: string;
  lastUsedAt: string;
  expiresAt: string;
};

export type Store = { db: DynamoDBDocumentClient; tables: Tables; clock: Clock };

/** Bounds the item's size: more than any client spends in the grace period. */
const spentMax = 50;
/** The limit of BatchWriteItem. */
const deletesMax = 25;
const pageSize = 100;
/** Per account: more than anyone's devices, and a bound for a program that signs in for every request. */
export const sessionsMax = 50;

/** Every use extends a session to its full lifetime. */
function lifetimeFrom(now: Date) {
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
    ...lifetimeFrom(now),
  };
  await db.send(new PutCommand({ TableName: tables.sessions.name, Item: session }));
  return session;
}

/** DynamoDB deletes expired items late, so expiry is checked on read. */
const isOpen = ({ clock }: Store, session: Session) =>
  session.expiresAt > clock.now().toISOString();

/** Whether a session was opened with the account's current password, or kept when the password was changed. */
export function isValidFor(account: Account, session: Session): boolean {
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
 * Spends the current refresh token. One of several concurrent attempts succeeds; the others get undefined, as when
 * the session has ended.
 */
export async function spendToken(store: Store, session: Session): Promise<Session | undefined> {
  const now = store.clock.now();
  const graceStart = now.getTime() - tokenLives.reuseGraceSeconds * 1_000;
  const late = session.spentAt.filter((at) => at >= graceStart).slice(0, spentMax - 1);
  const next = {
    counter: session.counter + 1,
    spentAt: [now.getTime(), ...late],
    ...lifetimeFrom(now),
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

/** Ends a session. Returns whether it existed. */
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

/** The unexpired sessions of an account, newest first, after the one with `afterId`. */
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
 * Ends all but the newest `sessionsMax` sessions of an account; ids are in order of creation. Mostly there are fewer,
 * and this is one query. Concurrent sign-ins may delete the same sessions.
 */
export async function deleteOldSessions(store: Store, userId: string): Promise<void> {
  const { LastEvaluatedKey: oldestKept } = await store.db.send(
    new QueryCommand({
      TableName: store.tables.sessions.name,
      KeyConditionExpression: 'userId = :userId',
      ExpressionAttributeValues: { ':userId': userId },
      ProjectionExpression: 'userId, id',
      ScanIndexForward: false,
      ConsistentRead: true,
      Limit: sessionsMax,
    }),
  );
  // Undefined when there are no more sessions.
  if (oldestKept !== undefined) await deleteSessionsOf(store, userId, oldestKept.id as string);
}

/** Ends every session of an account, or those older than the one with `oldestKeptId`. */
export async function deleteSessionsOf(
  { db, tables }: Store,
  userId: string,
  oldestKeptId?: string,
): Promise<void> {
  const isAll = oldestKeptId === undefined;
  for (;;) {
    const { Items: keys = [] } = await db.send(
      new QueryCommand({
        TableName: tables.sessions.name,
        KeyConditionExpression: isAll ? 'userId = :userId' : 'userId = :userId AND id < :oldest',
        ExpressionAttributeValues: {
          ':userId': userId,
          ...(isAll ? {} : { ':oldest': oldestKeptId }),
        },
        ProjectionExpression: 'userId, id',
        ConsistentRead: true,
        Limit: deletesMax,
      }),
    );
    if (keys.length === 0) return;
    // The next query finds the items that DynamoDB did not process.
    const requests = keys.map((Key) => ({ DeleteRequest: { Key } }));
    await db.send(new BatchWriteCommand({ RequestItems: { [tables.sessions.name]: requests } }));
  }
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
