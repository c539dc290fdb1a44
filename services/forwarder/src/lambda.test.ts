import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { DeleteQueueCommand } from '@aws-sdk/client-sqs';
import { marshall } from '@aws-sdk/util-dynamodb';
import { accountKey } from '@queue-manager/contracts/users';
import { findQueue } from '@queue-manager/events/client';
import { startLambda } from '@queue-manager/events/lambda-testing';
import { provisionQueues } from '@queue-manager/events/provision';
import { startForwarder } from './testing.ts';

/** A record as Lambda passes it. */
function recordOf(at: number, eventName: 'INSERT' | 'MODIFY', item: Record<string, unknown>) {
  return {
    eventID: `c4ca4238a0b923820dcc509a6f75849${at}`,
    eventName,
    eventVersion: '1.1',
    eventSource: 'aws:dynamodb',
    awsRegion: 'eu-west-1',
    dynamodb: {
      ApproximateCreationDateTime: 1_773_000_000 + at,
      Keys: marshall({ pk: item.pk }),
      NewImage: marshall(item),
      SequenceNumber: `442158450000000001745043909${at}`,
      SizeBytes: 260,
      StreamViewType: 'NEW_IMAGE',
    },
    eventSourceARN:
      'arn:aws:dynamodb:eu-west-1:123456789012:table/users/stream/2026-03-07T20:00:00.000',
  };
}

const scheduled = {
  version: '0',
  id: 'd890c28c-9c9b-4e0b-8d1c-0a5f4a3f7c11',
  'detail-type': 'Scheduled Event',
  source: 'aws.scheduler',
  account: '123456789012',
  time: '2026-03-07T20:05:00Z',
  region: 'eu-west-1',
  resources: ['arn:aws:scheduler:eu-west-1:123456789012:schedule/default/drain'],
  detail: '{}',
};

it('forwards and drains on Lambda, and reports the first record that failed', async (test) => {
  const { env, api, queues, addAccounts } = await startForwarder(test);
  const lambda = await startLambda(test, { entry: join(import.meta.dirname, 'lambda.ts'), env });
  const accounts = await addAccounts(3);
  const items = accounts.map((account) => ({ ...accountKey(account.id), ...account }));
  const [first = {}, second = {}, third = {}] = items;
  const batch = {
    Records: [
      recordOf(1, 'INSERT', { pk: 'email#ana@example.com', userId: 'x' }),
      recordOf(2, 'INSERT', first),
      recordOf(3, 'MODIFY', first),
      recordOf(4, 'INSERT', second),
    ],
  };
  assert.deepEqual(await lambda.invoke('onStream', batch), { batchItemFailures: [] });
  assert.deepEqual(await lambda.invoke('onSchedule', scheduled), {
    outcome: 'empty',
    forwarded: 2,
    deadLetters: 0,
    skipped: 0,
  });
  assert.deepEqual(
    api.got.map(({ key }) => key),
    accounts.slice(0, 2).map(({ id }) => id),
  );

  const QueueUrl = await findQueue(queues.sqs, queues.prefix, 'contacts.fifo');
  await queues.sqs.send(new DeleteQueueCommand({ QueueUrl }));
  const failing = { Records: [recordOf(5, 'MODIFY', first), recordOf(6, 'INSERT', third)] };
  assert.deepEqual(await lambda.invoke('onStream', failing), {
    batchItemFailures: [{ itemIdentifier: failing.Records[1]?.dynamodb.SequenceNumber }],
  });
  await assert.rejects(lambda.invoke('onSchedule', scheduled), /QueueDoesNotExist/);

  await provisionQueues(queues.sqs, queues);
  assert.deepEqual(await lambda.invoke('onStream', failing), { batchItemFailures: [] });
});
