import type { Deps } from '../deps.ts';
import { closeQueue } from './close-queue.ts';
import { createQueue } from './create-queue.ts';
import { deleteQueue } from './delete-queue.ts';
import { getQrPng } from './get-qr-png.ts';
import { getQrSvg } from './get-qr-svg.ts';
import { getQueue } from './get-queue.ts';
import { listQueueEvents } from './list-queue-events.ts';
import { listQueues } from './list-queues.ts';
import { openQueue } from './open-queue.ts';
import { pauseQueue } from './pause-queue.ts';
import { replaceJoinCode } from './replace-join-code.ts';
import { updateQueue } from './update-queue.ts';

/** Queues: their settings, state, join code and events. */
export const queuesRoutes = (deps: Deps) => [
  createQueue(deps),
  listQueues(deps),
  getQueue(deps),
  updateQueue(deps),
  deleteQueue(deps),
  openQueue(deps),
  pauseQueue(deps),
  closeQueue(deps),
  replaceJoinCode(deps),
  getQrSvg(deps),
  getQrPng(deps),
  listQueueEvents(deps),
];
