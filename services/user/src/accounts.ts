import { createHash } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import type { User } from '@queue-manager/contracts/users';
import { problems } from '@queue-manager/service-kit/problems';
import type { Store } from './deps.ts';
import type { Write } from './transact.ts';

/** An account. Every account is verified: before that there is only its sign-up. */
export type Account = {
  id: string;
  name: string;
  /** As written at sign-up; where mail goes. */
  email: string;
  locale: string;
  passwordHash: string;
  /** Grows by one with every change of the password; sessions and reset tokens hold for one version only. */
  passwordVersion: number;
  /** The session that changed the password and outlived that. */
  keptSessionId: string | null;
  createdAt: string;
  verifiedAt: string;
};

/** What makes two spellings of an e-mail one address. */
export function addressOf(email: string): string {
  return email.trim().toLowerCase();
}

/** Stands for an address where the address itself has no place: in tokens and in the outbox. */
export function addressKeyOf(email: string): string {
  return createHash('sha256').update(addressOf(email)).digest('base64url');
}

export const accountKey = (id: string) => ({ pk: `user#${id}` });
export const emailKey = (email: string) => ({ pk: `email#${addressOf(email)}` });

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

/** Looks twice also when the first look finds nobody, so that time does not tell whether there is an account. */
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
  return findAccount(store, (item?.userId as string | undefined) ?? 'nobody');
}

/** The caller's account. Throws `unauthenticated` when it was deleted after its token was issued. */
export async function requireAccount(store: Store, claims: { sub: string }): Promise<Account> {
  const account = await findAccount(store, claims.sub);
  if (account === undefined) throw accountIsGone();
  return account;
}

export function accountIsGone() {
  return problems.unauthenticated({ detail: 'This account has been deleted.' });
}

export function toUser({ id, name, email, locale, createdAt, verifiedAt }: Account): User {
  return { id, name, email, locale, createdAt, verifiedAt };
}

/** Holds only while the password is still the one that was read. */
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
