import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { daySeconds } from '@queue-manager/service-kit/durations';
import type { Store } from './tables.ts';
import type { Write } from './transact.ts';

/** Key of a sign-up in its table. */
export type SignUpKey = { addressKey: string; id: string };

/** A request for an account, pending until its verification. An address may have several. */
export type SignUp = SignUpKey & {
  name: string;
  email: string;
  locale: string;
  passwordHash: string;
  createdAt: string;
  expiresAt: string;
};

export const signUpLifeSeconds = daySeconds;

const prefix = 'signup#';
const signUpKey = ({ addressKey, id }: SignUpKey) => ({ addressKey, sk: prefix + id });

/** DynamoDB deletes expired items late, so expiry is checked on read. */
const isPending = ({ clock }: Store, signUp: SignUp) =>
  signUp.expiresAt > clock.now().toISOString();

export async function findSignUp(store: Store, key: SignUpKey): Promise<SignUp | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.signUps.name,
      Key: signUpKey(key),
      ConsistentRead: true,
    }),
  );
  const signUp = item as SignUp | undefined;
  return signUp !== undefined && isPending(store, signUp) ? signUp : undefined;
}

/** The pending sign-ups of an address, newest first. The limit of mails per day bounds their number. */
export async function listSignUps(store: Store, addressKey: string): Promise<SignUp[]> {
  const { Items: items = [] } = await store.db.send(
    new QueryCommand({
      TableName: store.tables.signUps.name,
      KeyConditionExpression: 'addressKey = :address AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':address': addressKey, ':prefix': prefix },
      ScanIndexForward: false,
      ConsistentRead: true,
    }),
  );
  return (items as SignUp[]).filter((signUp) => isPending(store, signUp));
}

export function putSignUp({ tables }: Store, signUp: SignUp): Write {
  const ttl = Math.ceil(Date.parse(signUp.expiresAt) / 1_000);
  return {
    Put: { TableName: tables.signUps.name, Item: { ...signUpKey(signUp), ...signUp, ttl } },
  };
}

/** Fails when the sign-up is gone, so that only one verification can use it. */
export function deleteSignUp({ tables }: Store, key: SignUpKey): Write {
  return {
    Delete: {
      TableName: tables.signUps.name,
      Key: signUpKey(key),
      ConditionExpression: 'attribute_exists(sk)',
    },
  };
}
