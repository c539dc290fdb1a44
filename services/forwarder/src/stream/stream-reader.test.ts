import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { DeleteMessageCommand } from '@aws-sdk/client-sqs';
import { PutCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import type { EventOf } from '@queue-manager/contracts/events';
import { accountKey } from '@queue-manager/contracts/users';
import { findQueue } from '@queue-manager/events/client';
import { createDeadLetters } from '@queue-manager/events/dead-letters';
import { readEvent } from '@queue-manager/events/read-event';
import { testLogger, until } from '@queue-manager/service-kit/testing';
import { startUserService } from '@queue-manager/user/testing';
import { readState } from '../state/leased-state.ts';
import { startForwarder } from '../testing.ts';
import type { ForwardAccounts, StreamRecord } from './forward-accounts.ts';
import { createStreamReader, type StreamState, streamKey } from './stream-reader.ts';

async function setUp(test: TestContext) {
  const forwarder = await startForwarder(test);
  const { deps, queues } = forwarder;
  const received: EventOf<'contact.added'>[] = [];
  return {
    ...forwarder,
    /** Starts a reader, which is stopped at the end. */
    startReader(forward: ForwardAccounts = deps.forwardAccounts) {
      const reader = createStreamReader({
        ...deps,
        tableName: deps.usersTableName,
        forward,
        logger: testLogger,
      });
      test.after(() => reader.stop());
      reader.start();
      return reader;
    },
    state: () => readState<StreamState>(deps.store, streamKey),
    /** Waits for a number of contacts since the start, and returns all. */
    async contacts(count: number) {
      const QueueUrl = await findQueue(queues.sqs, queues.prefix, 'contacts.fifo');
      await until(`${count} contacts came`, async () => {
        for (const { Body, ReceiptHandle } of await queues.receive('contacts.fifo')) {
          received.push(readEvent(Body) as EventOf<'contact.added'>);
          await queues.sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
        }
        return received.length >= count;
      });
      return received;
    },
  };
}

describe('stream reader', { concurrency: 3 }, () => {
  it('sends a contact for an account that is signed up, verified and changed', async (test) => {
    const { deps, dynamo, tablePrefix, queues, clock, startReader, contacts, addAccounts } =
      await setUp(test);
    const service = await startUserService({ clock, stores: { dynamo, tablePrefix, queues } });
    test.after(() => service.close());
    const { user } = await service.openAccount({ name: 'Zoë 🎉', locale: 'pt-PT' });
    const { db } = deps.store;
    const TableName = deps.usersTableName;
    await db.send(
      new UpdateCommand({
        TableName,
        Key: accountKey(user.id),
        UpdateExpression: 'SET passwordVersion = :next',
        ExpressionAttributeValues: { ':next': 2 },
      }),
    );
    const unverified = { ...accountKey('x'), id: 'x', email: 'x@example.com' };
    await db.send(new PutCommand({ TableName, Item: unverified }));
    startReader();
    const [later] = await addAccounts(1);
    const [contact, next, ...others] = await contacts(2);
    const { id, ...fields } = user;
    assert.deepEqual(contact?.data, { userId: id, ...fields });
    assert.deepEqual([contact?.id, contact?.subject, next?.id], [id, id, later?.id]);
    assert.deepEqual(others, []);
  });

  it('goes on where it was stopped, in order and without repeats', async (test) => {
    const { startReader, addAccounts, contacts } = await setUp(test);
    const ids: string[] = [];
    for (let round = 0; round < 3; round++) {
      const reader = startReader();
      ids.push(...(await addAccounts(4)).map(({ id }) => id));
      await contacts(ids.length - 2);
      await reader.stop();
    }
    startReader();
    const all = await contacts(ids.length);
    assert.deepEqual(
      all.map(({ id }) => id),
      ids,
    );
  });

  it('begins again at the record that failed, and passes none on after it', async (test) => {
    const { deps, startReader, addAccounts, contacts } = await setUp(test);
    const accounts = await addAccounts(5);
    const batches: string[][] = [];
    const idsIn = (records: readonly StreamRecord[]) =>
      records.flatMap(({ dynamodb }) => {
        const { id } = (dynamodb?.NewImage ?? {}) as Record<string, { S?: string }>;
        return id?.S ?? [];
      });
    let failures = 2;
    startReader(async (records) => {
      batches.push(idsIn(records));
      const at = records.findIndex((record) => idsIn([record]).includes(accounts[2]?.id ?? ''));
      if (at < 0 || failures === 0) return deps.forwardAccounts(records);
      failures -= 1;
      await deps.forwardAccounts(records.slice(0, at));
      const itemIdentifier = records[at]?.dynamodb?.SequenceNumber ?? '';
      return { batchItemFailures: [{ itemIdentifier }] };
    });
    const all = await contacts(5);
    assert.deepEqual(
      all.map(({ id }) => id),
      accounts.map(({ id }) => id),
    );
    assert.deepEqual(
      batches.slice(1, 3).map(([first]) => first),
      [accounts[2]?.id, accounts[2]?.id],
    );
  });

  it('makes a dead letter of an account that is invalid, and goes on', async (test) => {
    const { deps, queues, startReader, addAccounts, contacts } = await setUp(test);
    const Item = { ...accountKey('y'), id: 'y', email: 'y@example.com', verifiedAt: 'yesterday' };
    await deps.store.db.send(new PutCommand({ TableName: deps.usersTableName, Item }));
    const [valid] = await addAccounts(1);
    startReader();
    assert.deepEqual(
      (await contacts(1)).map(({ id }) => id),
      [valid?.id],
    );
    const [letter] = await createDeadLetters(queues).read('contacts.fifo', {
      most: 10,
      hiddenSeconds: 1,
    });
    assert.match(letter?.failure?.error ?? '', /^The account is invalid: .*verifiedAt/);
    assert.ok(!letter?.body.includes('example.com'), letter?.body);
  });

  it('reads with one process at a time, and another takes over', async (test) => {
    const { startReader, addAccounts, contacts, deps } = await setUp(test);
    const readBy: string[] = [];
    const reading = (name: string) =>
      startReader((records) => {
        readBy.push(name);
        return deps.forwardAccounts(records);
      });
    const first = reading('first');
    await addAccounts(1);
    await contacts(1);
    reading('second');
    await addAccounts(1);
    await contacts(2);
    await first.stop();
    await addAccounts(1);
    await contacts(3);
    assert.deepEqual([...new Set(readBy)], ['first', 'second']);
    assert.equal(readBy.lastIndexOf('first') < readBy.indexOf('second'), true);
  });

  it('reads a shard after its parent, and forgets shards that are no longer listed', async (test) => {
    const { deps, startReader, state } = await setUp(test);
    const read: string[] = [];
    const shards = [
      { ShardId: 'child', ParentShardId: 'parent' },
      { ShardId: 'parent', ParentShardId: 'trimmed' },
      { ShardId: 'grandchild', ParentShardId: 'child' },
    ];
    // DynamoDB Local has one shard for hours: its answers are replaced by those of a stream that was split.
    deps.streams.middlewareStack.add(
      (_next, { commandName }) =>
        async ({ input }) => {
          const { ShardId = '', ShardIterator = '' } = input as Record<string, string>;
          const answers: Record<string, object> = {
            DescribeStreamCommand: { StreamDescription: { Shards: shards } },
            GetShardIteratorCommand: { ShardIterator: ShardId },
            GetRecordsCommand: {
              Records: [recordOf(ShardIterator)],
              ...(ShardIterator.startsWith('grandchild')
                ? { NextShardIterator: 'grandchild' }
                : {}),
            },
          };
          if (commandName === 'GetRecordsCommand' && read.includes(ShardIterator)) {
            Object.assign(answers.GetRecordsCommand ?? {}, { Records: [] });
          }
          return { output: { $metadata: {}, ...answers[commandName ?? ''] }, response: {} };
        },
      { step: 'initialize' },
    );
    startReader(async (records) => {
      read.push(...records.map(({ eventID = '' }) => eventID));
      return { batchItemFailures: [] };
    });
    await until('all are read', () => read.length === 3);
    assert.deepEqual(read, ['parent', 'child', 'grandchild']);
    await until('they are stored', async () => {
      const { positions = {} } = (await state()).state;
      return positions.grandchild === '1' && positions.child === 'closed';
    });
    shards.splice(0, 2);
    await until('others are forgotten', async () => {
      const { positions = {} } = (await state()).state;
      return Object.keys(positions).join() === 'grandchild';
    });
  });
});

function recordOf(shard: string) {
  return { eventID: shard, dynamodb: { SequenceNumber: '1' } };
}
