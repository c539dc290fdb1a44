import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { LineEvent } from '@queue-manager/contracts/internal';
import type { VenueQueue } from '@queue-manager/contracts/live';
import type { Board, Position } from '@queue-manager/contracts/positions';
import { ManualClock } from '@queue-manager/service-kit/clock';
import { until } from '@queue-manager/service-kit/testing';
import { changesChannel, venueChannel } from '../projection/line-keys.ts';
import { operateCluster } from '../testing/redis-cluster.ts';
import {
  LineModel,
  type PositionDouble,
  type QueueServiceDouble,
  startPosition,
  startQueueService,
  startRedisCluster,
} from '../testing.ts';
import { openStream, tokenOf, verifyAccessToken } from './testing.ts';

describe('streams of a queue or a venue whose cluster slot moves', () => {
  const clock = new ManualClock();
  const started = new AsyncDisposableStack();
  let queueService: QueueServiceDouble;
  let operator: ReturnType<typeof operateCluster>;
  let position: PositionDouble;
  let base: string;
  before(async () => {
    const cluster = await startRedisCluster({ hasReplicas: true });
    started.defer(() => cluster.remove());
    operator = started.adopt(operateCluster(cluster.nodes), (person) => person.close());
    queueService = started.adopt(await startQueueService(), (service) => service.close());
    position = started.adopt(
      await startPosition({
        ...{ redisUrl: cluster.url, isCluster: true, queueService, clock, verifyAccessToken },
        // A silent node is given up after five times this.
        commandTimeoutMs: 1_000,
        // The periodic check repairs nothing here.
        checkMs: 3_600_000,
      }),
      (service) => service.close(),
    );
    base = await position.app.listen({ host: '127.0.0.1', port: 0 });
  });
  after(() => started.disposeAsync());

  /** Redis may be unavailable for a moment at any time. */
  const apply = (events: readonly LineEvent[]) =>
    until('events are applied', async () => {
      const { status, body } = await position.apply(events);
      const answers: { outcome: string }[] = status === 200 ? body.answers : [];
      return answers.length > 0 && answers.every(({ outcome }) => outcome === 'applied');
    });
  const open = async (path: string, headers: Record<string, string> = {}) => {
    const stream = await until('a stream opens', async () => {
      const opened = await openStream(base + path, { headers });
      if (opened.status === 200) return opened;
      opened.close();
      return null;
    });
    started.defer(stream.close);
    return stream;
  };

  /** A line of three, its last guest and its board watched, and its slot. */
  async function watchLine() {
    const model = new LineModel(clock);
    queueService.lines.set(model.queueId, model);
    const [, , last] = Array.from({ length: 3 }, () => model.join().subject);
    const ticket = model.ticket(last as string);
    await apply(model.events);
    const guest = await open(`/v1/live/tickets/${ticket}`);
    const board = await open(`/v1/live/boards/${model.queueId}`);
    await guest.lastIs<Position>('its position arrives', (told) => told.position === 3);
    await board.lastIs<Board>('the board arrives', (told) => told.waiting === 3);

    /** Calls the first party: streams and reads must show it. */
    const callFirst = async () => {
      const event = model.call(model.order()[0] as string);
      const left = model.order().length;
      await apply([event]);
      await guest.lastIs<Position>('its new position arrives', (told) => told.position === left);
      await board.lastIs<Board>('the new board arrives', (told) => told.waiting === left);
      const asked = await until('a read shows it', async () => {
        const { status, body } = await position.position(ticket);
        assert.ok(status === 200 || status === 503, `a look was answered with ${status}`);
        return status === 200 ? body : null;
      });
      assert.deepEqual([asked.position, asked.seq], [left, model.queue.seq]);
    };
    return { slot: await operator.slotOf(changesChannel(model.queueId)), callFirst };
  }

  /** A venue with a queue whose slot is another, and the slot of the venue. */
  async function watchVenue() {
    const model = new LineModel(clock);
    const { venueId, queueId } = model;
    queueService.lines.set(queueId, model);
    queueService.venues.set(venueId, { occupancy: 0, capacity: null });
    const userId = randomUUID();
    queueService.staff.add(userId);
    const exp = clock.now().getTime() / 1_000 + 900;
    const stand = await open(`/v1/live/venues/${venueId}`, {
      authorization: `Bearer ${tokenOf({ userId, exp })}`,
    });
    await stand.lastIs<VenueQueue>('the queue arrives', ({ seq }) => seq === 1);
    const joins = async () => {
      await apply([model.join()]);
      await stand.lastIs<VenueQueue>('the new count arrives', ({ seq }) => seq === model.queue.seq);
    };
    return { slot: await operator.slotOf(venueChannel(venueId)), joins };
  }

  it('of a venue get the next change after its slot moved, or its node was killed', async () => {
    const { slot, joins } = await watchVenue();
    await joins();
    await operator.moveSlot(slot);
    await joins();
    const dead = await operator.takeOver(slot, 'killed');
    await joins();
    await dead.start();
    await joins();
  });

  it('get the next change after the slot moved', async () => {
    const { slot, callFirst } = await watchLine();
    await operator.moveSlot(slot);
    await callFirst();
    await operator.moveSlot(slot);
    await callFirst();
  });

  it('get the next change after the replica took over', async () => {
    const { slot, callFirst } = await watchLine();
    await operator.takeOver(slot);
    await callFirst();
    await operator.takeOver(slot);
    await callFirst();
  });

  it('get the next change after the node went silent and its replica took over', async () => {
    const { slot, callFirst } = await watchLine();
    // A pending command would reveal the silence.
    await until('no command is pending', async () => (await operator.subscribersIdle(slot)) >= 1);
    const silent = await operator.takeOver(slot, 'silent');
    try {
      await callFirst();
    } finally {
      operator.resume(silent);
    }
    await callFirst();
  });

  it('get the next change after the node was killed and its replica took over', async () => {
    const { slot, callFirst } = await watchLine();
    const dead = await operator.takeOver(slot, 'killed');
    await callFirst();
    await dead.start();
    await callFirst();
  });
});
