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

/** Writes of one transaction, each with a name by which a refusal tells it. */
export type Writes = Record<string, Write>;

/** DynamoDB refuses what meets another transaction on the same item; trying again is the caller's part. */
const passing = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
]);
const attemptsMax = 12;

/**
 * Writes all or nothing. Gives the names of the writes whose condition did not hold; none when it is done.
 * Throws `unavailable` when other transactions stay in the way.
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
      if (!reasons.some(({ Code }) => Code !== undefined && passing.has(Code))) throw error;
      if (attempt === attemptsMax) {
        throw problems.unavailable({ cause: error, retryAfterSeconds: 1 });
      }
      // Full jitter: those who met once should not meet again.
      await delay(Math.random() * backoffMs(attempt, { firstMs: 10, maxMs: 250 }));
    }
  }
}
