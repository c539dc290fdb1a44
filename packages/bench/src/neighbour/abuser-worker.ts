/** The venue that misbehaves. */
import { answerQuestions, cpuSeconds } from '../measure/worker.ts';
import { Attack, abuses, type Means, type Statuses } from './abuses.ts';

export type Spent = { statuses: Statuses; cpuSeconds: number };

let attack: Attack | undefined;
let cpuBefore = 0;

answerQuestions({
  begin({ abuse, means }: { abuse: string; means: Means }) {
    cpuBefore = cpuSeconds();
    attack = new Attack(means);
    abuses[abuse]?.(attack, means);
  },
  end(): Spent {
    attack?.end();
    return { statuses: attack?.statuses ?? {}, cpuSeconds: cpuSeconds() - cpuBefore };
  },
});
