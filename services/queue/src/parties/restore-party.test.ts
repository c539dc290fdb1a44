import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { type QueueService, startQueueService } from '../testing.ts';
import { done, openLineOf } from './testing.ts';

describe('restore party', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('returns a party to its original position, wherever it was moved before', async () => {
    const { parties, put, snooze, act, order } = await openLineOf(service, 5);
    const [a, b, c, d, e] = parties as [Party, Party, Party, Party, Party];
    done(await put(e, 2));
    done(await snooze(a, 3));
    assert.deepEqual(await order(), [5, 2, 3, 1, 4]);
    await act(e, 'leave');
    await act(a, 'seat');
    await act(a, 'depart');
    done(await put(d, 1));
    done(await put(c, 1));
    assert.deepEqual(await order(), [3, 4, 2]);
    await act(a, 'restore');
    assert.deepEqual(await order(), [3, 4, 2, 1]);
    await act(e, 'restore');
    assert.deepEqual(await order(), [5, 3, 4, 2, 1]);
    await act(b, 'call');
    await act(b, 'no-show');
    done(await put(a, 1));
    await act(b, 'restore');
    assert.deepEqual(await order(), [1, 5, 3, 4, 2]);
  });

  it('marks possible duplicates when its guest has joined again', async () => {
    for (const contact of [{ email: 'ana@example.com' }, { phone: '+351912345678' }]) {
      const { owner, queueId, joinCode } = await service.openLine();
      const marked = async () =>
        (await service.listAll(queueId, owner)).map(({ possibleDuplicate }) => possibleDuplicate);
      await service.join(joinCode, contact);
      await service.join(joinCode, { email: 'rui@example.com' });
      const [ana] = await service.listAll(queueId, owner);
      assert.ok(ana);
      await service.move(ana, 'remove', owner);
      assert.equal((await service.move(ana, 'restore', owner)).body.possibleDuplicate, false);
      await service.move(ana, 'seat', owner);
      await service.join(joinCode, contact);
      await service.join(joinCode, contact);
      assert.deepEqual(await marked(), [false, true, true]);
      assert.equal((await service.move(ana, 'restore', owner)).body.possibleDuplicate, true);
      assert.deepEqual(await marked(), [true, false, true, true]);
      await service.assertSound(queueId);
    }
  });
});
