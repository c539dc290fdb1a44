import { getBoard } from '@queue-manager/contracts/positions';
import { problems } from '@queue-manager/service-kit/problems';
import { route } from '@queue-manager/service-kit/route';
import type { Deps } from '../deps.ts';
import { boardOf } from './board-of.ts';

export const getBoardOfQueue = (deps: Deps) =>
  route(getBoard, async ({ params: { queueId } }) => {
    const board = await boardOf(deps, queueId);
    if (board === null) throw problems.notFound();
    return board;
  });
