import { randomUUID } from 'node:crypto';
import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { GetCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { Store } from './table.ts';

/** Thrown when the lease has expired: another process may have it. */
export class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** The state of one half, and the right to change it. */
export type Lease<State> = {
  readonly state: Readonly<Partial<State>>;
  /** Stores the changes and extends the lease, in one write. Throws `LeaseLost`. */
  save(changes: Partial<State>): Promise<void>;
  /** Whether it is time to extend the lease: a third of it is over. */
  isAging(): boolean;
  /** Ends the lease. The state stays. */
  release(): Promise<void>;
};

/**
 * Takes the lease of an item for `leaseMs`, with the state that its last holder saved; undefined while another has it.
 * Whoever lost the lease cannot save any more, so that no state goes back.
 */
export async function takeLease<State extends object>(
  { db, table, clock }: Store,
  pk: string,
  leaseMs: number,
): Promise<Lease<State> | undefined> {
  const holder = randomUUID();
  const write = async (command: Partial<UpdateCommand['input']>) => {
    const { Attributes } = await db.send(
      new UpdateCommand({ TableName: table, Key: { pk }, ...command }),
    );
    return Attributes as { state?: Partial<State> } | undefined;
  };
  const until = () => clock.now().getTime() + leaseMs;

  let takenAt = performance.now();
  let state: Partial<State>;
  try {
    const item = await write({
      UpdateExpression: 'SET holder = :holder, leaseUntil = :until',
      ConditionExpression: 'attribute_not_exists(holder) OR leaseUntil < :now',
      ExpressionAttributeValues: {
        ':holder': holder,
        ':until': until(),
        ':now': clock.now().getTime(),
      },
      ReturnValues: 'ALL_NEW',
    });
    state = item?.state ?? {};
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }

  return {
    get state() {
      return state;
    },
    async save(changes) {
      const startedAt = performance.now();
      const next = { ...state, ...changes };
      try {
        await write({
          UpdateExpression: 'SET leaseUntil = :until, #state = :state',
          ConditionExpression: 'holder = :holder',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':holder': holder, ':until': until(), ':state': next },
        });
      } catch (error) {
        if (error instanceof ConditionalCheckFailedException) throw new LeaseLost();
        throw error;
      }
      takenAt = startedAt;
      state = next;
    },
    isAging: () => performance.now() - takenAt > leaseMs / 3,
    async release() {
      try {
        await write({
          UpdateExpression: 'REMOVE holder, leaseUntil',
          ConditionExpression: 'holder = :holder',
          ExpressionAttributeValues: { ':holder': holder },
        });
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
      }
    },
  };
}

/** The state of an item, and whether it is leased; for people. */
export async function readState<State extends object>(
  { db, table, clock }: Store,
  pk: string,
): Promise<{ state: Partial<State>; isLeased: boolean }> {
  const { Item: item } = await db.send(
    new GetCommand({ TableName: table, Key: { pk }, ConsistentRead: true }),
  );
  const leaseUntil = (item?.leaseUntil as number | undefined) ?? 0;
  return {
    state: (item?.state as Partial<State> | undefined) ?? {},
    isLeased: leaseUntil >= clock.now().getTime(),
  };
}
