import type { EventOf } from '@queue-manager/contracts/events';
import { batched } from '@queue-manager/service-kit/limits/batched';
import type { LabelsOf } from '@queue-manager/service-kit/telemetry/metrics-list';
import type { Deps } from '../deps.ts';
import { batchSize, type Finished, finishTasks } from './task-rows.ts';

/** Records the results of tasks; concurrent ones in one batch. */
export const onTaskFinished = (
  { db, clock }: Pick<Deps, 'db' | 'clock'>,
  countResult: (labels: LabelsOf<'task_results_total'>) => void = () => {},
) => {
  const finish = batched<Finished, void>(
    async (results) => {
      await finishTasks(db, clock.now(), results);
      return [];
    },
    { max: batchSize },
  );
  return async ({ data }: EventOf<'task.finished'>): Promise<void> => {
    await finish(data);
    countResult({ outcome: data.outcome });
  };
};
