import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ManualClock } from '@queue-manager/service-kit/clock';
import {
  createInternalClient,
  type InternalClient,
} from '@queue-manager/service-kit/internal-client';
import { testCredential } from '@queue-manager/service-kit/testing';
import { LineModel, type QueueServiceDouble, startQueueService } from '../testing.ts';
import { pieceSize, readSnapshot } from './read-snapshot.ts';

/** Counts the turns that the event loop takes. */
function countTurns() {
  let turns = 0;
  const count = () => {
    turns += 1;
    next = setImmediate(count);
  };
  let next = setImmediate(count);
  return {
    get turns() {
      return turns;
    },
    [Symbol.dispose]: () => clearImmediate(next),
  };
}

describe('a snapshot that is read', () => {
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

  /** Its parties, and in which turn of the event loop each piece came. */
  async function read({ queueId }: LineModel, counter = { turns: 0 }) {
    const snapshot = await readSnapshot(client, queueId);
    assert.ok(snapshot !== null);
    const partyIds: string[] = [];
    const turns: number[] = [];
    for await (const piece of snapshot.pieces) {
      assert.ok(piece.length > 0 && piece.length <= pieceSize);
      partyIds.push(...piece.map(({ partyId }) => partyId));
      turns.push(counter.turns);
    }
    assert.equal(snapshot.head.parties, partyIds.length);
    return { partyIds, turns };
  }

  for (const parties of [0, 1, pieceSize, pieceSize + 1, 10 * pieceSize + 7]) {
    it(`has all of ${parties} parties, in as many pieces as it takes`, async () => {
      const model = lineOf(parties);
      const { partyIds, turns } = await read(model);
      assert.deepEqual(partyIds, [...model.parties.keys()]);
      assert.equal(turns.length, Math.ceil(parties / pieceSize));
    });
  }

  it('has no two pieces in one turn of the event loop, also where several are read at once', async () => {
    using counter = countTurns();
    const models = Array.from({ length: 5 }, () => lineOf(8 * pieceSize));
    const reads = await Promise.all(models.map((model) => read(model, counter)));
    const turns = reads.flatMap((each) => each.turns);
    assert.equal(turns.length, 5 * 8);
    assert.equal(new Set(turns).size, turns.length);
  });

  it('of which a part is missing is none', async () => {
    const model = lineOf(3 * pieceSize);
    queueService.truncateSnapshots = true;
    try {
      await assert.rejects(read(model), /ended early/);
    } finally {
      queueService.truncateSnapshots = false;
    }
  });
});
