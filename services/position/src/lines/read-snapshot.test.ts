import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import {
  createInternalClient,
  type InternalClient,
} from '@queue-manager/service-kit/internal-client';
import { testCredential } from '@queue-manager/service-kit/testing';
import { LineModel, type QueueServiceDouble, startQueueService } from '../testing.ts';
import { chunkSize, readSnapshot } from './read-snapshot.ts';

/** Counts ticks of the event loop. */
function countTicks() {
  let ticks = 0;
  const count = () => {
    ticks += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  return {
    get ticks() {
      return ticks;
    },
    [Symbol.dispose]: () => clearImmediate(next),
  };
}

describe('readSnapshot', () => {
  const clock = new ManualClock();
  let queueService: QueueServiceDouble;
  let client: InternalClient;

  const started = new AsyncDisposableStack();
  before(async () => {
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    const { url: baseUrl } = queueService;
    client = started.adopt(createInternalClient({ baseUrl, credential: testCredential }), (made) =>
      made.close(),
    );
  });
  after(() => started.disposeAsync());

  function lineOf(parties: number): LineModel {
    const model = new LineModel(clock);
    for (let made = 0; made < parties; made++) model.join();
    queueService.lines.set(model.queueId, model);
    return model;
  }

  /** The parties of a snapshot, and the tick in which each chunk arrived. */
  async function read({ queueId }: LineModel, counter = { ticks: 0 }) {
    const snapshot = await readSnapshot(client, queueId);
    assert.ok(snapshot !== null);
    const partyIds: string[] = [];
    const ticks: number[] = [];
    for await (const chunk of snapshot.chunks) {
      assert.ok(chunk.length > 0 && chunk.length <= chunkSize);
      partyIds.push(...chunk.map(({ partyId }) => partyId));
      ticks.push(counter.ticks);
    }
    assert.equal(snapshot.head.parties, partyIds.length);
    return { partyIds, ticks };
  }

  for (const parties of [0, 1, chunkSize, chunkSize + 1, 10 * chunkSize + 7]) {
    it(`yields ${parties} parties in as few chunks as possible`, async () => {
      const model = lineOf(parties);
      const { partyIds, ticks } = await read(model);
      assert.deepEqual(partyIds, [...model.parties.keys()]);
      assert.equal(ticks.length, Math.ceil(parties / chunkSize));
    });
  }

  it('yields at most one chunk per tick, also for concurrent reads', async () => {
    using counter = countTicks();
    const models = Array.from({ length: 5 }, () => lineOf(8 * chunkSize));
    const reads = await Promise.all(models.map((model) => read(model, counter)));
    const ticks = reads.flatMap((each) => each.ticks);
    assert.equal(ticks.length, 5 * 8);
    assert.equal(new Set(ticks).size, ticks.length);
  });

  it('throws if the snapshot is truncated', async () => {
    const model = lineOf(3 * chunkSize);
    queueService.truncateSnapshots = true;
    try {
      await assert.rejects(read(model), /ended early/);
    } finally {
      queueService.truncateSnapshots = false;
    }
  });
});
