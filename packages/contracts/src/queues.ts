import { z } from 'zod';
import { contract } from './contract.ts';
import { fieldLimits } from './field-limits.ts';
import { limits, optionalBody, PartySize, page, pageQuery, Text, Title, Uuid } from './values.ts';

const queueStates = ['open', 'paused', 'closed'] as const;
export const QueueState = z.enum(queueStates).meta({ id: 'QueueState' });
export type QueueState = z.infer<typeof QueueState>;

export const BoardLabels = z.enum(['number', 'name']).meta({
  id: 'BoardLabels',
  description:
    'What a board shows for a called party: its number; or its first name and the initial of the last, and its number where the name does not tell them apart',
});
export type BoardLabels = z.infer<typeof BoardLabels>;

export const Queue = z
  .object({
    id: Uuid,
    venueId: Uuid,
    name: z.string(),
    text: z.string().nullable().meta({ description: 'Shown to guests while they wait' }),
    endMessage: z
      .string()
      .nullable()
      .meta({ description: 'Shown to guests when their wait has ended' }),
    state: QueueState,
    joinCode: z.string(),
    joinUrl: z.string(),
    waiting: z.int(),
    called: z.int(),
    maxWaiting: z.int().nullable(),
    maxPartySize: z.int(),
    callGraceSeconds: z.int(),
    selfJoin: z.boolean(),
    boardLabels: BoardLabels,
  })
  .meta({ id: 'Queue' });
export type Queue = z.infer<typeof Queue>;

const queueFields = {
  name: Title,
  text: Text.nullable(),
  endMessage: Text.nullable(),
  maxWaiting: z.int().min(1).max(limits.waitingMax).nullable(),
  maxPartySize: PartySize,
  callGraceSeconds: z.int().min(1).max(fieldLimits.callGraceSecondsMax),
  selfJoin: z.boolean(),
  boardLabels: BoardLabels,
};

export const QueueParams = z.strictObject({ queueId: Uuid });

export const createQueue = contract({
  operationId: 'createQueue',
  summary: 'Create a queue; it opens at once',
  description: 'Its join link works from then on, unless `selfJoin` is false.',
  service: 'queue',
  method: 'POST',
  url: '/v1/venues/:venueId/queues',
  auth: 'manager',
  rateLimit: 'account',
  schema: {
    params: z.strictObject({ venueId: Uuid }),
    body: z.strictObject({
      ...queueFields,
      text: queueFields.text.default(null),
      endMessage: queueFields.endMessage.default(null),
      maxWaiting: queueFields.maxWaiting.default(null),
      maxPartySize: queueFields.maxPartySize.default(20),
      callGraceSeconds: queueFields.callGraceSeconds.default(300),
      selfJoin: queueFields.selfJoin.default(true),
      boardLabels: queueFields.boardLabels.default('number'),
    }),
  },
  status: 201,
  response: Queue,
  problems: ['forbidden', 'not-found'],
});

export const listQueues = contract({
  operationId: 'listQueues',
  summary: "List a venue's queues",
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/queues',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: z.strictObject({ venueId: Uuid }), querystring: pageQuery({}) },
  status: 200,
  response: page(Queue),
  problems: ['not-found'],
});

export const getQueue = contract({
  operationId: 'getQueue',
  summary: 'Get a queue',
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: QueueParams },
  status: 200,
  response: Queue,
  problems: ['not-found'],
});

export const updateQueue = contract({
  operationId: 'updateQueue',
  summary: 'Update a queue',
  description: 'Fields that you omit stay as they are.',
  service: 'queue',
  method: 'PATCH',
  url: '/v1/queues/:queueId',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams, body: z.strictObject(queueFields).partial() },
  status: 200,
  response: Queue,
  problems: ['forbidden', 'not-found'],
});

export const deleteQueue = contract({
  operationId: 'deleteQueue',
  summary: 'Delete a queue; the parties in it are removed',
  description:
    'Closes the queue. Tickets keep their last state; the join link and the board stop working.',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/queues/:queueId',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams },
  status: 204,
  problems: ['forbidden', 'not-found'],
});

const queueAction = <const Id extends string, const U extends string>(
  operationId: Id,
  url: U,
  summary: string,
) =>
  contract({
    operationId,
    summary,
    service: 'queue',
    method: 'POST',
    url,
    auth: 'manager',
    rateLimit: 'account',
    schema: { params: QueueParams, body: optionalBody({}) },
    status: 200,
    response: Queue,
    problems: ['forbidden', 'not-found'],
  });

export const openQueue = queueAction('openQueue', '/v1/queues/:queueId/open', 'Open a queue');
export const pauseQueue = queueAction(
  'pauseQueue',
  '/v1/queues/:queueId/pause',
  'Pause a queue: nobody can join, and the line keeps moving',
);
export const replaceJoinCode = queueAction(
  'replaceJoinCode',
  '/v1/queues/:queueId/join-code',
  'Replace the join code; the old one stops working',
);

export const closeQueue = contract({
  operationId: 'closeQueue',
  summary: 'Close a queue: nobody can join',
  description: 'Waiting parties stay in the line unless `expireWaiting` is true.',
  service: 'queue',
  method: 'POST',
  url: '/v1/queues/:queueId/close',
  auth: 'manager',
  rateLimit: 'account',
  schema: {
    params: QueueParams,
    body: optionalBody({ expireWaiting: z.boolean().default(false) }),
  },
  status: 200,
  response: Queue,
  problems: ['forbidden', 'not-found'],
});

const qrCode = <const Id extends string, const U extends string, const T extends string>(
  operationId: Id,
  url: U,
  contentType: T,
) =>
  contract({
    operationId,
    summary: 'Get a QR code of the join link',
    service: 'queue',
    method: 'GET',
    url,
    auth: 'host',
    rateLimit: 'account',
    schema: { params: QueueParams },
    status: 200,
    response: { contentType },
    problems: ['not-found'],
  });

export const getQrSvg = qrCode('getQrSvg', '/v1/queues/:queueId/qr.svg', 'image/svg+xml');
export const getQrPng = qrCode('getQrPng', '/v1/queues/:queueId/qr.png', 'image/png');
