import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { pathOf } from './contract.ts';
import { callNext } from './parties.ts';

describe('pathOf', () => {
  it('encodes parameters, and omits undefined ones from the query', () => {
    assert.equal(
      pathOf(callNext, { queueId: 'a/b' }, { limit: 2, cursor: undefined }),
      '/v1/queues/a%2Fb/call-next?limit=2',
    );
  });
});
