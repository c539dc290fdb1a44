import { pathTo, type Success } from '@queue-manager/client/client';
import type { Board } from '@queue-manager/contracts/positions';
import type { LiveOptions } from '@queue-manager/ui/live';

export type BoardPage = Success<'getBoardPage'>;

export type BoardView = {
  board: Board;
  /** Null as long as the service that knows the venue cannot be reached. */
  page: BoardPage | null;
};

/** What reads answer: null if there is no such queue. Both reject if the server cannot be reached. */
export type BoardReads = {
  board(signal: AbortSignal): Promise<Board | null>;
  page(signal: AbortSignal): Promise<BoardPage | null>;
};

/**
 * The board by its stream, which always ends with the latest one, and the venue by the reads that the store makes now and
 * then. Calls are shown as long as either of the two services behind answers.
 */
export function boardLive(queueId: string, reads: BoardReads): LiveOptions<BoardView, Board> {
  let streamed: Board | null = null;
  let page: BoardPage | null = null;
  return {
    async read(signal) {
      const before = streamed;
      const [board, readPage] = await Promise.all([
        reads.board(signal),
        reads.page(signal).catch(() => page),
      ]);
      if (board === null) return null;
      page = readPage;
      // A board that came by the stream meanwhile is at least as new; every later change comes by the stream, too.
      return { board: streamed !== null && streamed !== before ? streamed : board, page };
    },
    stream: (view) => view && { url: pathTo('liveBoard', { params: { queueId } }), event: 'board' },
    merge(view, board) {
      streamed = board;
      return view && { value: { ...view, board }, isComplete: true };
    },
  };
}
