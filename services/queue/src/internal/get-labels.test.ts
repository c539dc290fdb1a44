import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { uuidToBytes } from '@queue-manager/service-kit/ids';
import { credentialHeader } from '@queue-manager/service-kit/internal-credential';
import { testCredential } from '@queue-manager/service-kit/testing';
import { type QueueService, startQueueService } from '../testing.ts';
import { boardLabel } from './get-labels.ts';

describe('get labels', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  const headers = { [credentialHeader]: testCredential };

  it('returns first names with an initial in the order of the ids, null for foreign or erased parties', async () => {
    const { owner, queueId } = await service.openLine();
    const { body: ana } = await service.add(queueId, owner, { name: 'Ana Maria de Lima' });
    const { body: rui } = await service.add(queueId, owner, { name: 'Rui' });
    const elsewhere = await service.openLine();
    const { body: other } = await service.add(elsewhere.queueId, elsewhere.owner);
    const ask = async (partyIds: string[]) =>
      (
        await service.call('POST', `/internal/queues/${queueId}/labels`, {
          headers,
          body: { partyIds },
        })
      ).body.labels;
    assert.deepEqual(await ask([rui.id, other.id, ana.id, rui.id]), ['Rui', null, 'Ana L.', 'Rui']);
    assert.deepEqual(await ask([]), []);
    await service.db.deleteFrom('personal').where('party_id', '=', uuidToBytes(ana.id)).execute();
    assert.deepEqual(await ask([ana.id]), [null]);
  });
});

it('boardLabel joins the first name and the initial of the last, in any script', () => {
  for (const [name, label] of [
    ['Ana', 'Ana'],
    ['Ana Lima', 'Ana L.'],
    ['ana  maria\tlima', 'ana L.'],
    ['José Ñandú', 'José Ñ.'],
    ['Éva e\u0301clair', 'Éva E\u0301.'],
    ['Kim 🦤 Dodo 👩‍👩‍👧', 'Kim 👩‍👩‍👧.'],
    ['王 小明', '王 小.'],
  ] as const) {
    assert.equal(boardLabel(name), label);
  }
});
