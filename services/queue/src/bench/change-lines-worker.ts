/** The sending service: changes queues at a steady rate, and its relay sends the events to SQS. */

import {
  answerQuestions,
  atRate,
  sharedMs,
  workerOptions,
} from '@queue-manager/bench/measure/worker';
import type { Clock } from '@queue-manager/service-kit/clock';
import { feedFirstMs } from '../line/line-event.ts';
import { createRelay } from '../line/relay.ts';
import { openBenchService } from './bench-service.ts';

const linesCount = 20;

const { url, prefix, perSecond, count } = workerOptions<{
  url: string;
  prefix: string;
  perSecond: number;
  count: number;
}>();

/** When each event was committed, by event id. */
const commits = new Map<string, number>();

const service = await openBenchService({
  url,
  prefix,
  onCommit(events) {
    const now = sharedMs();
    for (const { id } of events) commits.set(id, now);
    relay.wake();
  },
});
const { publisher } = service;
// Its clock is ahead by the time that events are left to the feed, which has no part here.
const ahead: Clock = { now: () => new Date(Date.now() + feedFirstMs) };
const relay = createRelay({ ...service.deps, clock: ahead, publisher });
const venueId = await service.post('/v1/venues', { name: 'Bench', timezone: 'UTC' });
const lines: string[] = [];
for (let index = 0; index < linesCount; index++) {
  lines.push(await service.post(`/v1/venues/${venueId}/queues`, { name: `Line ${index}` }));
}
relay.start();

/** By queue. A slow machine must not call a party before its join has finished. */
const lastChanges: Promise<unknown>[] = [];

/** Two of three changes are joins, so that there is always a party to call. */
async function changeLine(index: number): Promise<void> {
  const number = index % lines.length;
  const line = `/v1/queues/${lines[number]}`;
  const step = Math.floor(index / lines.length) % 3;
  const change = (lastChanges[number] ?? Promise.resolve()).then(() =>
    step === 2
      ? service.post(`${line}/call-next`)
      : service.post(`${line}/parties`, { name: 'Ana Lima', size: 2 }),
  );
  lastChanges[number] = change;
  await change;
}

answerQuestions(
  {
    async run() {
      await atRate(perSecond, count, changeLine);
      return commits;
    },
  },
  async () => {
    await relay.stop();
    await service.close();
  },
);
