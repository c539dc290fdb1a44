import { createHash } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { accountKey, type User } from '@queue-manager/contracts/users';
import { normaliseEmail } from '@queue-manager/contracts/values';
import { problems } from '@queue-manager/service-kit/problems';
import type { Store } from './tables.ts';
import type { Write, Writes } from './transact.ts';

/** A verified account. Until the verification there is only a sign-up. */
export type Account = {
  id: string;
  name: string;
  /** As entered at sign-up. */
  email: string;
  locale: string;
  passwordHash: string;
  /** Incremented with every change of the password; sessions and reset tokens are valid for one version only. */
  passwordVersion: number;
  /** The session that changed the password, which stays valid. */
  keptSessionId: string | null;
  createdAt: string;
  verifiedAt: string;
};

/** A hash of the e-mail, for places that must not hold the e-mail itself: tokens and the outbox. */
export function addressKeyOf(email: string): string {
  return createHash('sha256').update(normaliseEmail(email)).digest('base64url');
}

export const emailKey = (email: string) => ({ pk: `email#${normaliseEmail(email)}` });

export async function findAccount(store: Store, id: string): Promise<Account | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.users.name,
      Key: accountKey(id),
      ConsistentRead: true,
    }),
  );
  return item as Account | undefined;
}

/** Makes the second read even without an account, so that the response time does not reveal whether one exists. */
export async function findAccountByEmail(
  store: Store,
  email: string,
): Promise<Account | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.users.name,
      Key: emailKey(email),
      ConsistentRead: true,
    }),
  );
  return findAccount(store, (item?.userId as string | undefined) ?? 'none');
}

/** The caller's account. Throws `unauthenticated` when it was deleted since the token was issued. */
export async function requireAccount(store: Store, claims: { sub: string }): Promise<Account> {
  const account = await findAccount(store, claims.sub);
  if (account === undefined) throw accountDeleted();
  return account;
}

export function accountDeleted() {
  return problems.unauthenticated({ detail: 'This account has been deleted.' });
}

export function toUser({ id, name, email, locale, createdAt, verifiedAt }: Account): User {
  return { id, name, email, locale, createdAt, verifiedAt };
}

/** Adds an account and claims its address. Fails when there is one with the id or the address. */
export function putAccount({ tables }: Store, account: Account): Writes {
  const TableName = tables.users.name;
  const ConditionExpression = 'attribute_not_exists(pk)';
  return {
    address: {
      Put: {
        TableName,
        Item: { ...emailKey(account.email), userId: account.id },
        ConditionExpression,
      },
    },
    account: {
      Put: { TableName, Item: { ...accountKey(account.id), ...account }, ConditionExpression },
    },
  };
}

/** Fails when the password was changed since `account` was read. */
export function replacePassword(
  { tables }: Store,
  account: Account,
  next: Pick<Account, 'passwordHash' | 'keptSessionId'>,
): Write {
  return {
    Update: {
      TableName: tables.users.name,
      Key: accountKey(account.id),
      UpdateExpression: 'SET passwordHash = :hash, keptSessionId = :kept, passwordVersion = :next',
      ConditionExpression: 'passwordVersion = :read',
      ExpressionAttributeValues: {
        ':hash': next.passwordHash,
        ':kept': next.keptSessionId,
        ':next': account.passwordVersion + 1,
        ':read': account.passwordVersion,
      },
    },
  };
}
