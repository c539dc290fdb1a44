import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Board } from '@queue-manager/contracts/positions';
import { type BoardPage, boardLive } from './board-live.ts';

const board = (waiting: number): Board => ({
  queueName: 'Tables',
  state: 'open',
  waiting,
  estimate: null,
  called: [],
});
const page: BoardPage = {
  venueName: 'Casa',
  joinUrl: null,
  locale: 'en',
  timezone: 'UTC',
  accentColor: null,
};
const { signal } = new AbortController();
const lost = async () => {
  throw new TypeError('network');
};

describe('boardLive', () => {
  it('keeps a board that came by the stream while an older one was being read', async () => {
    let answer = (_: Board) => {};
    const live = boardLive('q', {
      board: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
      page: async () => page,
    });
    const reading = live.read(signal);
    assert.equal(live.merge({ board: board(1), page }, board(5))?.value.board.waiting, 5);
    answer(board(4));
    assert.equal((await reading)?.board.waiting, 5);
    // A later read is newer than what the stream has sent before it.
    const later = live.read(signal);
    answer(board(6));
    assert.equal((await later)?.board.waiting, 6);
  });

  it('shows calls without the venue, and with what was known of it, if that cannot be read', async () => {
    const pages = [lost, async () => page, lost];
    const live = boardLive('q', {
      board: async () => board(1),
      page: () => (pages.shift() ?? lost)(),
    });
    assert.equal((await live.read(signal))?.page, null);
    assert.equal((await live.read(signal))?.page, page);
    assert.equal((await live.read(signal))?.page, page);
  });

  it('has no board of an unknown queue, and fails if the board cannot be read', async () => {
    const unknown = boardLive('q', { board: async () => null, page: async () => null });
    assert.equal(await unknown.read(signal), null);
    const unreachable = boardLive('q', { board: lost, page: async () => page });
    await assert.rejects(unreachable.read(signal), TypeError);
  });
});
