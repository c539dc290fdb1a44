import type { Board } from '@queue-manager/contracts/positions';
import type { Deps } from '../deps.ts';
import { waitIfJoined } from '../estimates/place.ts';

/** As many as a screen shows; parties called earlier have either come or will not. */
const calledMax = 20;

/** The board of a queue, for polling and streaming alike; null if the queue does not exist. */
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
    // A paused or closed queue cannot be joined.
    estimate:
      state === 'open'
        ? waitIfJoined(await estimates.of(queueId, board), { size: null, waiting }, clock.now())
        : null,
    called: called.map(({ number, calledAt }, index) => ({
      label: names[index] ?? String(number),
      calledAt: calledAt.toISOString(),
    })),
  };
}
