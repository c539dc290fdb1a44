import { z } from 'zod';
import { contract } from './contract.ts';
import { optionalBody, page, pageQuery, Timestamp, Uuid } from './values.ts';

export const taskStates = ['scheduled', 'running', 'done', 'skipped', 'failed'] as const;
export const TaskState = z.enum(taskStates).meta({
  id: 'TaskState',
  description:
    '`skipped`: a rule forbade the mail, for example because its recipient had too many; `lastError` says which. `failed`: needs attention and can be retried.',
});
export type TaskState = z.infer<typeof TaskState>;

export const Task = z
  .object({
    id: Uuid,
    kind: z.string().meta({ description: 'What the task does, for example `notify.called`' }),
    partyId: Uuid.nullable(),
    state: TaskState,
    attempts: z
      .int()
      .meta({ description: 'How often the task was handed out; a retry keeps counting' }),
    lastError: z.string().nullable().meta({ description: 'Why the task failed or was skipped' }),
    runAt: Timestamp,
    updatedAt: Timestamp,
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof Task>;

export const listTasks = contract({
  operationId: 'listTasks',
  summary: "List a venue's tasks, latest first",
  description: 'Tasks are what follows a change, such as a mail or the end of a call.',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/tasks',
  auth: 'manager',
  rateLimit: 'account',
  schema: {
    params: z.strictObject({ venueId: Uuid }),
    querystring: pageQuery({
      state: TaskState.optional(),
      kind: z.string().min(1).max(40).optional(),
    }),
  },
  status: 200,
  response: page(Task),
  problems: ['forbidden', 'not-found'],
});

export const retryTask = contract({
  operationId: 'retryTask',
  summary: 'Retry a failed task',
  description: 'A mail that may have been sent is sent again.',
  service: 'queue',
  method: 'POST',
  url: '/v1/tasks/:taskId/retry',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: z.strictObject({ taskId: Uuid }), body: optionalBody({}) },
  status: 200,
  response: Task,
  problems: ['forbidden', 'not-found', 'task-not-failed'],
});
