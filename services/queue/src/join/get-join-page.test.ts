import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertProblem, type QueueService, startQueueService, testStart } from '../testing.ts';

describe('get join page', () => {
  let service: QueueService;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());

  it('shows the queue and its venue, and 404 for an unknown code', async () => {
    const { owner, queueId, joinCode } = await service.openLine(
      { name: 'Bar', text: 'Cash only', maxPartySize: 6 },
      { name: 'Casa', locale: 'pt', accentColor: '#0f766e' },
    );
    await service.add(queueId, owner);
    const { status, body } = await service.call('GET', `/v1/join/${joinCode}`);
    assert.equal(status, 200);
    assert.deepEqual(body, {
      queueId,
      venueName: 'Casa',
      name: 'Bar',
      text: 'Cash only',
      state: 'open',
      full: false,
      waiting: 1,
      estimate: { p10: 0, p50: 60, p90: 600, model: 'test-1', asOf: testStart },
      maxPartySize: 6,
      selfJoin: true,
      locale: 'pt',
      timezone: 'Europe/Lisbon',
      accentColor: '#0f766e',
      retentionDays: 30,
    });
    for (const code of ['AAAAAAAAAA', 'x', '%00', "' OR 1=1 --", '🍷'.repeat(5)]) {
      const page = await service.call('GET', `/v1/join/${encodeURIComponent(code)}`);
      assertProblem(page, 'not-found');
    }
  });

  it('estimates for a party of the given size, and not for one that is too large', async () => {
    const { joinCode } = await service.openLine({ maxPartySize: 6 });
    const pageFor = (size: string) => service.call('GET', `/v1/join/${joinCode}?size=${size}`);
    assert.equal((await pageFor('6')).body.estimate.p50, 360);
    assert.equal((await pageFor('7')).body.estimate, null);
    for (const size of ['0', '101', '1.5', '']) {
      assert.deepEqual(assertProblem(await pageFor(size), 'validation-failed'), ['size']);
    }
  });

  it('tells whether the queue is full', async () => {
    const { owner, queueId, joinCode } = await service.openLine({ maxWaiting: 1 });
    const isFull = async () => (await service.call('GET', `/v1/join/${joinCode}`)).body.full;
    assert.equal(await isFull(), false);
    const { body: party } = await service.add(queueId, owner);
    assert.equal(await isFull(), true);
    await service.move(party, 'call', owner);
    assert.equal(await isFull(), false);
  });
});
