import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createPasswords } from './passwords.ts';

describe('createPasswords', () => {
  it('hashes with Argon2id and the parameters of OWASP', async () => {
    const passwords = await createPasswords({ atOnce: 1 });
    const hash = await passwords.hash('a long walk home');
    assert.match(hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.notEqual(hash, await passwords.hash('a long walk home'));
    assert.equal(await passwords.matches(hash, 'a long walk home'), true);
    assert.equal(await passwords.matches(hash, 'a long walk hom'), false);
    assert.equal(await passwords.matches(undefined, 'a long walk home'), false);
  });

  it('queues a burst, and throws unavailable when the queue is full', async () => {
    const passwords = await createPasswords({ atOnce: 4 });
    const burst = Array.from({ length: 600 }, () => passwords.hash('a long walk home'));
    const outcomes = await Promise.allSettled(burst);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    assert.equal(refused.length, 600 - 504);
    for (const outcome of refused as PromiseRejectedResult[]) {
      assert.equal(outcome.reason.code, 'unavailable');
    }
    assert.ok(await passwords.hash('a long walk home'));
  });
});
