import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import { isOutage, problems } from './problems.ts';

const awsError = (name: string, httpStatusCode: number) =>
  new DynamoDBServiceException({
    name,
    message: 'The request processing has failed',
    $fault: httpStatusCode >= 500 ? 'server' : 'client',
    $metadata: { httpStatusCode },
  });

describe('isOutage', () => {
  it('recognises an unavailable store, also in a wrapped error', () => {
    const refused = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
    for (const error of [
      refused,
      new Error('the query failed', { cause: refused }),
      new AggregateError([new Error('first'), refused]),
      awsError('InternalFailure', 500),
      awsError('ServiceUnavailable', 503),
      awsError('ThrottlingException', 400),
    ]) {
      assert.equal(isOutage(error), true, error.name);
    }
  });

  it('is false for bugs of our own', () => {
    for (const error of [
      new TypeError('x is not a function'),
      awsError('ValidationException', 400),
      problems.queueFull(),
      'ECONNREFUSED',
    ]) {
      assert.equal(isOutage(error), false, String(error));
    }
  });
});
