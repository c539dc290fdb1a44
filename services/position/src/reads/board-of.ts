import type { Board } from '@queue-manager/contracts/positions';
import type { Deps } from '../deps.ts';
import { waitIfJoined } from '../estimates/place.ts';

/** As many as a screen shows; who was called before them has come or will not. */
const calledMax = 20;

/** What a screen shows of a queue, whether it asks or watches; null when there is no such queue. */
export async function boardOf(
  { lines, labels, estimates, clock }: Pick<Deps, 'lines' | 'labels' | 'estimates' | 'clock'>,
  queueId: string,
): Promise<Board | null> {
  const board = await lines.board(queueId, calledMax);
  if (board === null || board.isDeleted) return null;
  const { name, state, waiting, called } = board;
  const names =
    board.boardLabels === 'name'
      ? await labels(
          queueId,
          called.map(({ partyId }) => partyId),
        )
      : [];
  return {
    queueName: name,
    state,
    waiting,
    // Nobody can join a queue that is paused or closed.
    estimate:
      state === 'open'
        ? waitIfJoined(await estimates.of(queueId, board), waiting, clock.now())
        : null,
    called: called.map(({ number, calledAt }, index) => ({
      label: names[index] ?? String(number),
      calledAt: calledAt.toISOString(),
    })),
  };
}
