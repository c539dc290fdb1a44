import { createHash, createHmac } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import { deriveKeys } from '@queue-manager/service-kit/sealed-tokens';
import type { Store } from './tables.ts';
import type { Writes } from './transact.ts';

/** What a request did, as far as its answer needs it; ids only, the answer is rendered from them again. */
export type Result = { userId?: string };

type Remembered = { bodyMac: string; result: Result; expiresAt: string };

/** MACs of a body, one for each secret. Not a plain hash: that of a body with a password could be guessed at. */
export type Fingerprint = (body: unknown) => string[];

export function createFingerprint(secrets: readonly string[]): Fingerprint {
  const keys = deriveKeys(secrets, 'idempotency');
  return (body) => {
    const text = JSON.stringify(body ?? null);
    return keys.map((key) => createHmac('sha256', key).update(text).digest('base64url'));
  };
}

/** Name of the write that remembers a request, in its transaction. */
const recordName = 'idempotency';

/**
 * Runs a POST once for its `Idempotency-Key`. `work` puts what `remember` gives into its one transaction, so that
 * the work and the memory of it stand or fall together; `replay` answers a repeat. Of concurrent repeats one
 * works, and the others answer as it did. Throws `idempotency-key-reused` when the body is another.
 */
export async function idempotently<Answer>(
  deps: Store & { fingerprint: Fingerprint },
  request: {
    idempotencyKey: string | null;
    body: unknown;
    /** The account, or `public`. */
    caller: string;
    operation: string;
  },
  steps: {
    work(remember: (result?: Result) => Writes): Promise<Answer>;
    replay(result: Result): Promise<Answer>;
  },
): Promise<Answer> {
  const { idempotencyKey: key, caller, operation } = request;
  if (key === null) return steps.work(() => ({}));
  // Hashed, since a key is whatever the caller chose and may tell of a person.
  const id = createHash('sha256')
    .update(JSON.stringify([caller, operation, key]))
    .digest('base64url');
  const bodyMacs = deps.fingerprint(request.body);

  const find = async () => {
    const remembered = await read(deps, id);
    if (remembered === undefined) return undefined;
    if (!bodyMacs.includes(remembered.bodyMac)) throw problems.idempotencyKeyReused();
    return remembered;
  };

  const earlier = await find();
  if (earlier !== undefined) return steps.replay(earlier.result);
  try {
    return await steps.work((result = {}) => record(deps, id, bodyMacs[0] as string, result));
  } catch (error) {
    // A repeat may have been faster; what this one met then is what that one left behind.
    const meanwhile = await find();
    if (meanwhile === undefined) throw error;
    return steps.replay(meanwhile.result);
  }
}

async function read(store: Store, id: string): Promise<Remembered | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.idempotency.name,
      Key: { id },
      ConsistentRead: true,
    }),
  );
  const remembered = item as Remembered | undefined;
  const now = store.clock.now().toISOString();
  return remembered !== undefined && remembered.expiresAt > now ? remembered : undefined;
}

function record({ tables, clock }: Store, id: string, bodyMac: string, result: Result): Writes {
  const now = clock.now().getTime();
  const expiresAt = new Date(now + dayMs);
  return {
    [recordName]: {
      Put: {
        TableName: tables.idempotency.name,
        Item: {
          id,
          bodyMac,
          result,
          expiresAt: expiresAt.toISOString(),
          ttl: Math.ceil(expiresAt.getTime() / 1_000),
        },
        ConditionExpression: 'attribute_not_exists(id) OR expiresAt <= :now',
        ExpressionAttributeValues: { ':now': new Date(now).toISOString() },
      },
    },
  };
}
