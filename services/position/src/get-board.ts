import { getBoard } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from './deps.ts';
import { estimateWait } from './estimate.ts';

/** As many as a screen shows; who was called before them has come or will not. */
const calledMax = 20;

export const getBoardOfQueue = ({ lines, labels, clock }: Deps) =>
  route(getBoard, async ({ params: { queueId } }) => {
    const board = await lines.board(queueId, calledMax);
    if (board === null || board.isDeleted) throw problems.notFound();
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
      estimate: state === 'open' ? estimateWait({ ahead: waiting, asOf: clock.now() }) : null,
      called: called.map(({ number, calledAt }, index) => ({
        label: names[index] ?? String(number),
        calledAt: calledAt.toISOString(),
      })),
    };
  });
