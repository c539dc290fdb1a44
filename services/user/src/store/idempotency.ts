import { createHash, createHmac } from 'node:crypto';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { dayMs } from '@queue-manager/service-kit/durations';
import { problems } from '@queue-manager/service-kit/problems';
import { deriveKeys } from '@queue-manager/service-kit/sealed-tokens';
import type { Store } from './tables.ts';
import type { Writes } from './transact.ts';

/** The ids from which the response of a repeat is rendered again. */
type Result = { userId?: string };

type IdempotencyRecord = { bodyMac: string; result: Result; expiresAt: string };

/** MACs of a body, one per secret. Not a plain hash, which would allow guessing a password in the body. */
export type Fingerprint = (body: unknown) => string[];

export function createFingerprint(secrets: readonly string[]): Fingerprint {
  const keys = deriveKeys(secrets, 'idempotency');
  return (body) => {
    const text = JSON.stringify(body ?? null);
    return keys.map((key) => createHmac('sha256', key).update(text).digest('base64url'));
  };
}

/** Name of the record's write in the transaction. */
const recordName = 'idempotency';

/**
 * Runs a POST once per `Idempotency-Key`. `work` adds the writes of `record` to its transaction, so that both are
 * written or neither; `replay` renders the response to a repeat. Of concurrent repeats one does the work and the
 * others replay it. Throws `idempotency-key-reused` when the body differs.
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
    work(record: (result?: Result) => Writes): Promise<Answer>;
    replay(result: Result): Promise<Answer>;
  },
): Promise<Answer> {
  const { idempotencyKey: key, caller, operation } = request;
  if (key === null) return steps.work(() => ({}));
  // Hashed, since callers choose keys, which may hold personal data.
  const id = createHash('sha256')
    .update(JSON.stringify([caller, operation, key]))
    .digest('base64url');
  const bodyMacs = deps.fingerprint(request.body);

  const find = async () => {
    const found = await read(deps, id);
    if (found === undefined) return undefined;
    if (!bodyMacs.includes(found.bodyMac)) throw problems.idempotencyKeyReused();
    return found;
  };

  const earlier = await find();
  if (earlier !== undefined) return steps.replay(earlier.result);
  try {
    return await steps.work((result = {}) => writeOf(deps, id, bodyMacs[0] as string, result));
  } catch (error) {
    // A concurrent repeat may have been faster and caused this error.
    const meanwhile = await find();
    if (meanwhile === undefined) throw error;
    return steps.replay(meanwhile.result);
  }
}

async function read(store: Store, id: string): Promise<IdempotencyRecord | undefined> {
  const { Item: item } = await store.db.send(
    new GetCommand({
      TableName: store.tables.idempotency.name,
      Key: { id },
      ConsistentRead: true,
    }),
  );
  const record = item as IdempotencyRecord | undefined;
  const now = store.clock.now().toISOString();
  return record !== undefined && record.expiresAt > now ? record : undefined;
}

function writeOf({ tables, clock }: Store, id: string, bodyMac: string, result: Result): Writes {
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
