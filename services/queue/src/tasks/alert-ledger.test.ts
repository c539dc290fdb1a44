import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type QueueService, startQueueService } from '../testing.ts';
import { createAlertLedger } from './alert-ledger.ts';

describe('alert ledger', () => {
  let service: QueueService;

  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('grants one claim: again after an hour, after an expired claim, or after the queue was emptied', async () => {
    const ledgers = Array.from({ length: 5 }, () => createAlertLedger(service.db));
    const claims = async (queue: 'mails' | 'tasks' = 'mails') => {
      const now = service.clock.now();
      const granted = await Promise.all(ledgers.map((ledger) => ledger.claim(queue, now)));
      return granted.filter(Boolean).length;
    };
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    assert.equal(await claims('tasks'), 1);
    // The claimant stopped without raising the alert.
    service.clock.advance(59);
    assert.equal(await claims(), 0);
    service.clock.advance(1);
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    await ledgers[0]?.raised('mails', service.clock.now());
    service.clock.advance(3_599);
    assert.equal(await claims(), 0);
    service.clock.advance(1);
    assert.equal(await claims(), 1);
    assert.equal(await claims(), 0);
    await Promise.all(ledgers.map((ledger) => ledger.emptied('mails')));
    assert.equal(await claims(), 1);
  });
});
