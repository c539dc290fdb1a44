import { setTimeout as delay } from 'node:timers/promises';
import {
  DescribeTableCommand,
  type DynamoDBClient,
  ResourceNotFoundException as TableNotFound,
} from '@aws-sdk/client-dynamodb';
import {
  DescribeStreamCommand,
  type DynamoDBStreamsClient,
  ExpiredIteratorException,
  GetRecordsCommand,
  GetShardIteratorCommand,
  ResourceNotFoundException,
  type Shard,
  TrimmedDataAccessException,
} from '@aws-sdk/client-dynamodb-streams';
import { backoffMs } from '@queue-manager/service-kit/backoff';
import type { Logger } from '@queue-manager/service-kit/logging';
import { type Lease, LeaseLost, takeLease } from '../state/leased-state.ts';
import type { Store } from '../state/table.ts';
import type { ForwardAccounts, StreamRecord } from './forward-accounts.ts';

/** How far each shard was read: the sequence number of the last record, or `closed` after its end. */
export type StreamState = { positions: Record<string, string> };

export const streamKey = 'stream';

const closed = 'closed';
const pollMs = 1_000;
const leaseMs = 10_000;
/** Few enough to be sent well within the lease. */
const recordsMax = 50;

export type StreamReader = {
  start(): void;
  /** Resolves when the batch in hand is done and its position is stored. */
  stop(): Promise<void>;
};

/**
 * Reads the stream of a table from where it was left, and hands its records to `forward` in order, as Lambda does: a
 * shard after its parent, and again from the first record that failed. One reader at a time, however many processes.
 */
export function createStreamReader(options: {
  dynamo: DynamoDBClient;
  streams: DynamoDBStreamsClient;
  tableName: string;
  store: Store;
  forward: ForwardAccounts;
  logger: Logger;
}): StreamReader {
  const { dynamo, streams, tableName, store, forward, logger } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  /** Where to read on in each shard. An iterator may pass over long stretches without records, so it is kept. */
  let iterators = new Map<string, string>();
  let running: Promise<void> = Promise.resolve();

  const pause = (ms: number) => delay(ms, undefined, { signal }).catch(() => undefined);

  const listShards = async (): Promise<{ arn: string; shards: Shard[] }> => {
    const described = await dynamo
      .send(new DescribeTableCommand({ TableName: tableName }))
      .catch((error: unknown) => {
        if (error instanceof TableNotFound) return undefined;
        throw error;
      });
    // The user service creates it at its first start.
    if (described === undefined) return { arn: '', shards: [] };
    const arn = described.Table?.LatestStreamArn;
    if (arn === undefined) throw new Error(`The table ${tableName} has no stream`);
    const shards: Shard[] = [];
    let after: string | undefined;
    do {
      const { StreamDescription } = await streams.send(
        new DescribeStreamCommand({ StreamArn: arn, ExclusiveStartShardId: after }),
      );
      shards.push(...(StreamDescription?.Shards ?? []));
      after = StreamDescription?.LastEvaluatedShardId;
    } while (after !== undefined);
    return { arn, shards };
  };

  const openIterator = async (StreamArn: string, ShardId: string, position?: string) => {
    const { ShardIterator } = await streams.send(
      new GetShardIteratorCommand({
        StreamArn,
        ShardId,
        ...(position === undefined
          ? { ShardIteratorType: 'TRIM_HORIZON' }
          : { ShardIteratorType: 'AFTER_SEQUENCE_NUMBER', SequenceNumber: position }),
      }),
    );
    return ShardIterator;
  };

  const savePosition = (lease: Lease<StreamState>, shardId: string, position: string) =>
    lease.save({ positions: { ...lease.state.positions, [shardId]: position } });

  /** Reads a shard until it has no further records for now. */
  const readShard = async (lease: Lease<StreamState>, arn: string, shardId: string) => {
    while (!signal.aborted) {
      const iterator =
        iterators.get(shardId) ??
        (await openIterator(arn, shardId, lease.state.positions?.[shardId]));
      iterators.delete(shardId);
      const { Records: records = [], NextShardIterator: next } = await streams.send(
        new GetRecordsCommand({ ShardIterator: iterator, Limit: recordsMax }),
      );
      if (records.length > 0) await handle(lease, shardId, records as StreamRecord[]);
      if (next === undefined) return savePosition(lease, shardId, closed);
      iterators.set(shardId, next);
      if (records.length === 0) return;
    }
  };

  const handle = async (
    lease: Lease<StreamState>,
    shardId: string,
    records: readonly StreamRecord[],
  ) => {
    if (lease.isAging()) await lease.save({});
    const { batchItemFailures } = await forward(records);
    const failed = batchItemFailures[0]?.itemIdentifier;
    const numbers = records.map(({ dynamodb }) => dynamodb?.SequenceNumber ?? '');
    const done = failed === undefined ? records.length : numbers.indexOf(failed);
    const position = numbers[done - 1];
    if (position !== undefined) await savePosition(lease, shardId, position);
    if (failed !== undefined) throw new Error('A record of the stream was not forwarded');
  };

  /** Reads all shards once, parents before their children. */
  const readStream = async (lease: Lease<StreamState>) => {
    const { arn, shards } = await listShards();
    const ids = new Set(shards.map(({ ShardId = '' }) => ShardId));
    const positions = Object.entries(lease.state.positions ?? {});
    const known = positions.filter(([shardId]) => ids.has(shardId));
    if (known.length < positions.length) {
      await lease.save({ positions: Object.fromEntries(known) });
    }
    for (const { ShardId: shardId = '', ParentShardId: parent = '' } of shards) {
      const positionOf = (id: string) => lease.state.positions?.[id];
      if (positionOf(shardId) === closed) continue;
      if (ids.has(parent) && positionOf(parent) !== closed) continue;
      try {
        await readShard(lease, arn, shardId);
      } catch (error) {
        const isTrimmed = error instanceof TrimmedDataAccessException;
        const isReopened =
          isTrimmed ||
          error instanceof ExpiredIteratorException ||
          error instanceof ResourceNotFoundException;
        if (!isReopened) throw error;
        // Without a position, a shard is read from its oldest record, and none was missed.
        if (isTrimmed && positionOf(shardId) !== undefined) {
          logger.error({ shardId }, 'the stream was read too late: accounts may be missing');
          const { [shardId]: _, ...others } = lease.state.positions ?? {};
          await lease.save({ positions: others });
        }
      }
    }
    if (lease.isAging()) await lease.save({});
  };

  const readWhileLeased = async (lease: Lease<StreamState>) => {
    iterators = new Map();
    let failures = 0;
    while (!signal.aborted) {
      try {
        await readStream(lease);
        if (failures > 0) logger.info('the stream is read again');
        failures = 0;
        await pause(pollMs);
      } catch (error) {
        if (error instanceof LeaseLost) return;
        failures += 1;
        if (failures === 1) logger.warn({ err: error }, 'cannot read the stream: retrying');
        await pause(backoffMs(failures));
      }
    }
    await lease.release();
  };

  const run = async () => {
    let failures = 0;
    while (!signal.aborted) {
      try {
        const lease = await takeLease<StreamState>(store, streamKey, leaseMs);
        failures = 0;
        if (lease === undefined) await pause(leaseMs / 5);
        else await readWhileLeased(lease);
      } catch (error) {
        failures += 1;
        if (failures === 1) logger.warn({ err: error }, 'cannot lease the stream: retrying');
        await pause(backoffMs(failures));
      }
    }
  };

  return {
    start() {
      running = run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
