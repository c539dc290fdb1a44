import type { EventOf } from '@queue-manager/contracts/events';
import { batched } from '@queue-manager/service-kit/limits/batched';
import type { Deps } from '../deps.ts';
import { batchSize, type Finished, finishTasks } from './task-rows.ts';

/** Records the results of tasks; concurrent ones in one batch. */
export const onTaskFinished = ({ db, clock }: Pick<Deps, 'db' | 'clock'>) => {
  const finish = batched<Finished, void>(
    async (results) => {
      await finishTasks(db, clock.now(), results);
      return [];
    },
    { max: batchSize },
  );
  return ({ data }: EventOf<'task.finished'>): Promise<void> => finish(data);
};
