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

  it('returns labels in the order of the ids, null for single words and for foreign or erased parties', async () => {
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
    assert.deepEqual(await ask([rui.id, other.id, ana.id, rui.id]), [null, null, 'Ana L.', null]);
    assert.deepEqual(await ask([]), []);
    await service.db.deleteFrom('personal').where('party_id', '=', uuidToBytes(ana.id)).execute();
    assert.deepEqual(await ask([ana.id]), [null]);
  });
});

it('boardLabel joins the first name and the initial of the last, in any script', () => {
  for (const [name, label] of [
    ['Ana Lima', 'Ana L.'],
    ['ana  maria\tlima', 'ana L.'],
    ['Lima, Ana', 'Ana L.'],
    ['Lima，Ana Maria', 'Ana L.'],
    ['J. Smith', 'J. S.'],
    ['José Ñandú', 'José Ñ.'],
    ['Éva e\u0301clair', 'Éva E\u0301.'],
    ['O’Neill-Díaz (Rui)', 'O’Neill-Díaz R.'],
    ['Kim 🦤 Dodo 👩‍👩‍👧', 'Kim D.'],
    ['Ana Lima +351 912 345 678', 'Ana L.'],
    ['علی\u200cرضا احمدی', 'علی\u200cرضا ا.'],
    ['नरेन्द्र मोदी', 'नरेन्द्र मो.'],
    ['王 小明', '王 小.'],
  ] as const) {
    assert.equal(boardLabel(name), label);
  }
});

it('boardLabel is null where the first name cannot be told', () => {
  for (const name of [
    ...[
      'Ana',
      'AnaLima',
      '山田太郎',
      '山田太郎 様',
      '김민수 님',
      'Ana,',
      'Ana 🎉',
      'Ana 912345678',
    ],
    ...['ana@example.org', 'Ana.Lima@example.org', 'ana@example.org Lima', '+442079460958'],
    ...['020 7946 0958', 'evil.example Ana', 'https://evil.example x', 'Ana2 Lima', '🎉 🎉', '—'],
  ]) {
    assert.equal(boardLabel(name), null, name);
  }
});
