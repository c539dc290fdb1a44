import { GetCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { daySeconds } from '@queue-manager/service-kit/durations';
import type { Store } from './tables.ts';
import type { Write } from './transact.ts';

/** Key of a sign-up in its table. */
export type SignUpName = { addressKey: string; id: string };

/** A request for an account that waits for its verification. Several may wait for one address. */
export type SignUp = SignUpName & {
  name: string;
  email: string;
  locale: string;
  passwordHash: string;
  createdAt: string;
  expiresAt: string;
};

export const signUpLifeSeconds = daySeconds;

const prefix = 'signup#';
const signUpKey = ({ addressKey, id }: SignUpName) => ({ addressKey, sk: prefix + id });

/** DynamoDB deletes late: only the clock says whether a sign-up still counts. */
const isPending = ({ clock }: Store, signUp: SignUp) =>
  signUp.expiresAt > clock.now().toISOString();

/** The pending sign-up of that name. */
export async function findSignUp(store: Store, name: SignUpName): Promise<SignUp | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.signUps.name,
      Key: signUpKey(name),
      ConsistentRead: true,
    }),
  );
  const signUp = item as SignUp | undefined;
  return signUp !== undefined && isPending(store, signUp) ? signUp : undefined;
}

/** All pending sign-ups of an address, newest first. The mails a day bound how many there can be. */
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

/** Holds only while the sign-up is there: of those who want to use it up, one does. */
export function deleteSignUp({ tables }: Store, name: SignUpName): Write {
  return {
    Delete: {
      TableName: tables.signUps.name,
      Key: signUpKey(name),
      ConditionExpression: 'attribute_exists(sk)',
    },
  };
}
