import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { assertProblem, type QueueService, startQueueService } from '../testing.ts';

describe('keep model', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };
  const get = (url: string) => service.call('GET', url, { headers });

  it('stores a model and never replaces it with an older one', async () => {
    const { owner, queueId } = await service.openLine();
    const url = `/internal/queues/${queueId}/model`;
    const state = (text: string) => Buffer.from(text).toString('base64');
    const keep = (learned: object) => service.call('POST', url, { headers, body: learned });
    const kept = async () => (await get(url)).body.learned;
    assert.equal(await kept(), null);
    const first = { seq: 20, model: 'rule-1', state: state('first') };
    assert.equal((await keep(first)).status, 204);
    assert.deepEqual(await kept(), first);
    for (const seq of [19, 20]) {
      assert.equal((await keep({ ...first, seq, state: state('older') })).status, 204);
      assert.deepEqual(await kept(), first);
    }
    const newer = { ...first, seq: 21, state: Buffer.alloc(40_000, 0xff).toString('base64') };
    assert.equal((await keep(newer)).status, 204);
    assert.deepEqual(await kept(), newer);
    const other = { seq: 3, model: 'rule-2', state: '' };
    assert.equal((await keep(other)).status, 204);
    assert.deepEqual(await kept(), other);

    for (const wrong of [
      { ...first, seq: -1 },
      { ...first, model: 'x'.repeat(65) },
      { ...first, state: 'no base64!' },
      { ...first, state: Buffer.alloc(49_200).toString('base64') },
      { ...first, more: 1 },
    ]) {
      assertProblem(await keep(wrong), 'validation-failed');
    }
    assert.deepEqual(await kept(), other);
    const elsewhere = await service.openLine();
    assert.equal((await get(`/internal/queues/${elsewhere.queueId}/model`)).body.learned, null);
    await service.call('DELETE', `/v1/queues/${queueId}`, { as: owner });
    assertProblem(await get(url), 'not-found');
    assertProblem(await keep({ ...first, seq: 99 }), 'not-found');
    const rows = await service.db
      .selectFrom('models')
      .selectAll()
      .where('queue_id', '=', uuidToBytes(queueId))
      .execute();
    assert.deepEqual(rows, []);
  });

  it('keeps the newest of concurrent writes', async () => {
    const { queueId } = await service.openLine();
    const url = `/internal/queues/${queueId}/model`;
    const learned = (seq: number) => ({ seq, model: 'rule-1', state: `${1_000 + seq}` });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        service.call('POST', url, { headers, body: learned((index * 7) % 20) }),
      ),
    );
    assert.ok(answers.every(({ status }) => status === 204));
    assert.deepEqual((await get(url)).body.learned, learned(19));
  });
});
