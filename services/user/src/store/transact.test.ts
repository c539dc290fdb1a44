import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DeleteTableCommand, TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { provisionTables } from '@queue-manager/service-kit/dynamo';
import { uniqueName } from '@queue-manager/service-kit/testing';
import { connectTestDynamo } from '../testing.ts';
import { transact, type Write } from './transact.ts';

describe('transact', () => {
  const TableName = uniqueName('numbers');
  const dynamo = connectTestDynamo();
  const db = DynamoDBDocumentClient.from(dynamo);
  before(() => provisionTables(dynamo, [{ name: TableName, partitionKey: 'id' }]));
  after(async () => {
    await dynamo.send(new DeleteTableCommand({ TableName }));
    dynamo.destroy();
  });

  const put = (id: string): Write => ({
    Put: { TableName, Item: { id }, ConditionExpression: 'attribute_not_exists(id)' },
  });
  const isThere = async (id: string) =>
    (await db.send(new GetCommand({ TableName, Key: { id } }))).Item !== undefined;

  /** A store that cancels conflicting transactions, as AWS does; DynamoDB Local makes them wait. */
  const contended = (conflicts: number) => {
    let left = conflicts;
    const send = (command: Parameters<typeof db.send>[0]) => {
      if (left === 0) return db.send(command);
      left -= 1;
      throw new TransactionCanceledException({
        message: 'Transaction cancelled',
        $metadata: {},
        CancellationReasons: [{ Code: 'None' }, { Code: 'TransactionConflict' }],
      });
    };
    return { send } as unknown as DynamoDBDocumentClient;
  };

  it('writes all items', async () => {
    assert.deepEqual(await transact(db, { one: put('1'), two: put('2') }), []);
    assert.deepEqual([await isThere('1'), await isThere('2')], [true, true]);
  });

  it('writes nothing when a condition fails, and returns the name of that write', async () => {
    await transact(db, { taken: put('taken') });
    assert.deepEqual(await transact(db, { free: put('free'), taken: put('taken') }), ['taken']);
    assert.equal(await isThere('free'), false);
  });

  it('retries on a conflict, up to a limit', async () => {
    assert.deepEqual(await transact(contended(5), { patient: put('patient') }), []);
    assert.equal(await isThere('patient'), true);
    await assert.rejects(transact(contended(1_000), { never: put('never') }), {
      code: 'unavailable',
    });
  });

  it('succeeds without a request when there is nothing to write', async () => {
    assert.deepEqual(await transact(db, {}), []);
  });
});
