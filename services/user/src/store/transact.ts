import { setTimeout as delay } from 'node:timers/promises';
import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  type DynamoDBDocumentClient,
  TransactWriteCommand,
  type TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import { problems } from '@queue-manager/service-kit/problems';

export type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/** The writes of one transaction, by names that identify refused ones. */
export type Writes = Record<string, Write>;

/** Reasons to retry. DynamoDB cancels a transaction that conflicts with another on the same item. */
const retryable = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
const attemptsMax = 12;

/**
 * Writes all or nothing. Returns the names of the writes whose condition failed; none on success. Throws
 * `unavailable` when conflicts with other transactions persist.
 */
export async function transact(db: DynamoDBDocumentClient, writes: Writes): Promise<string[]> {
  const names = Object.keys(writes);
  if (names.length === 0) return [];
  const command = { TransactItems: Object.values(writes) };
  for (let attempt = 1; ; attempt += 1) {
    try {
      await db.send(new TransactWriteCommand(command));
      return [];
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      const reasons = error.CancellationReasons ?? [];
      const refused = names.filter((_, at) => reasons[at]?.Code === 'ConditionalCheckFailed');
      if (refused.length > 0) return refused;
      if (!reasons.some(({ Code }) => Code !== undefined && retryable.has(Code))) throw error;
      if (attempt === attemptsMax) {
        throw problems.unavailable({ cause: error, retryAfterSeconds: 1 });
      }
      // Full jitter, so that conflicting transactions do not retry at the same time.
      await delay(Math.random() * backoffMs(attempt, { firstMs: 10, maxMs: 250 }));
    }
  }
}
