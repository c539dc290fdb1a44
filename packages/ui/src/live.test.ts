import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { createLive, type Live, type LiveOptions } from './live.ts';

type Place = { seq: number; place: number };

/** A browser and a server whose every step the test decides. */
function createFakes() {
  const streams: { url: string; isOpen: boolean; emit(name: string, data?: unknown): void }[] = [];
  const reads: PromiseWithResolvers<Place | null>[] = [];
  let wake: (isOffline: boolean) => void = () => {};
  return {
    streams,
    reads,
    open: () => streams.filter(({ isOpen }) => isOpen),
    wake: (isOffline = false) => wake(isOffline),
    options: {
      read: () => {
        const pending = Promise.withResolvers<Place | null>();
        reads.push(pending);
        return pending.promise;
      },
      stream: () => ({ url: '/live', event: 'place' }),
      merge: (known, event) =>
        known !== null && known.seq > event.seq
          ? { value: known, isComplete: true }
          : { value: event, isComplete: true },
      newer: (known, read) => (known.seq > read.seq ? known : read),
    } satisfies LiveOptions<Place, Place>,
    host: {
      openStream(url: string) {
        const listeners = new Map<string, (event: { data: string }) => void>();
        const stream = {
          url,
          isOpen: true,
          emit: (name: string, data?: unknown) =>
            listeners.get(name)?.({ data: JSON.stringify(data ?? null) }),
        };
        streams.push(stream);
        return {
          addEventListener: (name: string, listener: (event: { data: string }) => void) =>
            void listeners.set(name, listener),
          close: () => {
            stream.isOpen = false;
          },
        };
      },
      onWake(listener: (isOffline: boolean) => void) {
        wake = listener;
        return () => {
          wake = () => {};
        };
      },
      now: Date.now,
      random: () => 1,
    },
  };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('createLive', () => {
  let fakes = createFakes();
  let live: Live<Place>;
  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 });
    fakes = createFakes();
    live = createLive(fakes.options, fakes.host);
  });
  afterEach(() => {
    live.stop();
    mock.timers.reset();
  });

  const answer = async (value: Place | null) => {
    fakes.reads.at(-1)?.resolve(value);
    await settled();
  };
  const fail = async () => {
    fakes.reads.at(-1)?.reject(new TypeError('network'));
    await settled();
  };

  it('starts with a read and a stream, and follows the stream', async () => {
    assert.equal(live.get().state, 'loading');
    await answer({ seq: 1, place: 5 });
    assert.deepEqual(live.get(), { value: { seq: 1, place: 5 }, state: 'live', asOf: 1_000_000 });
    fakes.streams[0]?.emit('place', { seq: 2, place: 4 });
    assert.equal(live.get().value?.place, 4);
    assert.deepEqual([fakes.reads.length, fakes.streams.length], [1, 1]);
  });

  it('keeps what is newer, whichever arrives first', async () => {
    fakes.streams[0]?.emit('place', { seq: 7, place: 1 });
    await answer({ seq: 3, place: 9 });
    assert.equal(live.get().value?.place, 1);
    fakes.streams[0]?.emit('place', { seq: 6, place: 2 });
    assert.equal(live.get().value?.place, 1);
  });

  it('reconnects with growing delays, with one stream at a time', async () => {
    await answer({ seq: 1, place: 5 });
    for (const [attempt, ms] of [1_000, 2_000, 4_000].entries()) {
      fakes.streams.at(-1)?.emit('error');
      assert.equal(fakes.open().length, 0);
      mock.timers.tick(ms - 1);
      assert.equal(fakes.streams.length, attempt + 1);
      mock.timers.tick(1);
      assert.equal(fakes.streams.length, attempt + 2);
      await answer({ seq: 1, place: 5 });
      assert.equal(fakes.open().length, 1);
    }
    // An event ends the backoff.
    fakes.streams.at(-1)?.emit('place', { seq: 2, place: 4 });
    fakes.streams.at(-1)?.emit('error');
    mock.timers.tick(1_000);
    assert.equal(fakes.open().length, 1);
  });

  it('is stale with the last value while the server cannot be reached', async () => {
    await answer({ seq: 1, place: 5 });
    fakes.streams[0]?.emit('error');
    mock.timers.tick(1_000);
    await fail();
    assert.deepEqual(live.get(), { value: { seq: 1, place: 5 }, state: 'stale', asOf: 1_000_000 });
    fakes.streams.at(-1)?.emit('place', { seq: 2, place: 4 });
    assert.equal(live.get().state, 'live');
  });

  it('reads and reconnects at once when the page is woken, whatever was under way', async () => {
    await answer({ seq: 1, place: 5 });
    mock.timers.setTime(1_000_000 + 8 * 3_600_000);
    const readsBefore = fakes.reads.length;
    fakes.wake();
    assert.equal(fakes.open().length, 1);
    assert.ok(fakes.reads.length > readsBefore);
    await answer({ seq: 90, place: 1 });
    assert.equal(live.get().value?.place, 1);
    // An event of the stream from before the sleep counts no more.
    fakes.streams[0]?.emit('place', { seq: 99, place: 3 });
    assert.equal(live.get().value?.place, 1);
  });

  it('leaves a fresh stream alone when the page is shown', async () => {
    await answer({ seq: 1, place: 5 });
    fakes.wake();
    assert.equal(fakes.streams.length, 1);
  });

  it('keeps a value that was set from an older read that is still under way', async () => {
    live.set({ seq: 4, place: 2 });
    await answer({ seq: 9, place: 9 });
    assert.equal(live.get().value?.place, 2);
    live.check();
    await answer({ seq: 10, place: 1 });
    assert.equal(live.get().value?.place, 1);
  });

  it('notices a connection that died without an error', async () => {
    await answer({ seq: 1, place: 5 });
    mock.timers.tick(45_000);
    await answer({ seq: 2, place: 4 });
    assert.equal(live.get().value?.place, 4);
  });

  it('is gone when the server says so, and looks again when the page is woken', async () => {
    await answer(null);
    assert.equal(live.get().state, 'gone');
    assert.equal(fakes.open().length, 0);
    mock.timers.tick(120_000);
    assert.equal(fakes.reads.length, 1);
    fakes.wake();
    await answer({ seq: 3, place: 2 });
    assert.equal(live.get().state, 'live');
  });

  it('reads again once after a read that another was wanted during', async () => {
    const { options, host } = fakes;
    live.stop();
    const incomplete = createLive(
      { ...options, merge: (_, value: Place) => ({ value, isComplete: false }) },
      host,
    );
    const readsBefore = fakes.reads.length;
    for (const seq of [1, 2, 3]) fakes.streams.at(-1)?.emit('place', { seq, place: 1 });
    await answer({ seq: 3, place: 1 });
    assert.equal(fakes.reads.length, readsBefore + 1);
    await answer({ seq: 3, place: 1 });
    assert.equal(fakes.reads.length, readsBefore + 1);
    incomplete.stop();
    assert.equal(fakes.open().length, 0);
  });
});
