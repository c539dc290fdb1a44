import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Party } from '@queue-manager/contracts/parties';
import { dayMs } from '@queue-manager/service-kit/durations';
import { type QueueService, startQueueService, testStart } from '../testing.ts';

describe('numbers of parties', () => {
  let service: QueueService;
  let line: Awaited<ReturnType<QueueService['openLine']>>;
  before(async () => {
    service = await startQueueService();
  });
  after(() => service.stop());
  beforeEach(async () => {
    service.clock.set(testStart);
    line = await service.openLine({}, { timezone: 'UTC', dayStartsAt: '00:00' });
  });

  const join = async (): Promise<Party> => (await service.add(line.queueId, line.owner)).body;
  const joined = async (count: number) => {
    const numbers: number[] = [];
    for (let n = 0; n < count; n += 1) numbers.push((await join()).number);
    return numbers;
  };
  const move = (party: Party, name: string) => service.move(party, name, line.owner);
  const change = (body: object) =>
    service.call('PATCH', `/v1/venues/${line.venueId}`, { as: line.owner, body });
  const nextDay = () => service.clock.advance(dayMs / 1_000);
  const inLine = async () =>
    (await service.listAll(line.queueId, line.owner)).map(({ number }) => number);

  it('go on when the venue counts its days in another way, and back', async () => {
    assert.deepEqual(await joined(1), [1]);
    for (const settings of [
      { dayStartsAt: '23:00' },
      { dayStartsAt: '00:00' },
      { timezone: 'Pacific/Kiritimati' },
      { timezone: 'Pacific/Pago_Pago' },
      { timezone: 'UTC' },
    ]) {
      assert.equal((await change(settings)).status, 200);
      await join();
    }
    assert.deepEqual(await inLine(), [1, 2, 3, 4, 5, 6]);
  });

  it('go on when the clock goes back', async () => {
    nextDay();
    assert.deepEqual(await joined(2), [1, 2]);
    service.clock.set(testStart);
    assert.deepEqual(await joined(1), [3]);
    nextDay();
    assert.deepEqual(await joined(1), [4]);
  });

  it('begin again on the next day, except those that parties in the line hold', async () => {
    const [first, , third] = [await join(), await join(), await join()];
    await move(first, 'seat');
    await move(third, 'call');
    nextDay();
    assert.deepEqual(await joined(3), [1, 4, 5]);
    nextDay();
    assert.deepEqual(await joined(2), [6, 7]);
    assert.deepEqual(new Set(await inLine()), new Set([1, 2, 3, 4, 5, 6, 7]));
  });

  it('skip a long line from the day before', async () => {
    await service.fill(
      line.queueId,
      Array.from({ length: 300 }, () => ({ name: 'Ana', state: 'waiting' as const })),
    );
    const inMiddle = (await service.listAll(line.queueId, line.owner)).find(
      ({ number }) => number === 200,
    );
    assert.ok(inMiddle);
    await move(inMiddle, 'leave');
    nextDay();
    assert.deepEqual(await joined(2), [200, 301]);
  });

  it('begin at 1 when the line is empty', async () => {
    for (const party of [await join(), await join()]) await move(party, 'call');
    for (const party of await service.listAll(line.queueId, line.owner)) await move(party, 'seat');
    nextDay();
    assert.deepEqual(await joined(2), [1, 2]);
  });

  it('stay with a party that is restored, unless another one in the line has it', async () => {
    const [first, second, third] = [await join(), await join(), await join()];
    for (const party of [first, second, third]) await move(party, 'remove');
    nextDay();
    assert.deepEqual(await joined(1), [1]);
    assert.equal((await move(third, 'restore')).body.number, 3);
    assert.equal((await move(first, 'restore')).body.number, 2);
    assert.equal((await move(second, 'restore')).body.number, 4);
    assert.deepEqual(await joined(1), [5]);
    assert.equal(new Set(await inLine()).size, 5);
    await service.assertSound(line.queueId);
  });
});
