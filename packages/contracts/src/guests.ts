import { z } from 'zod';
import { contract } from './contract.ts';
import { PartyState } from './parties.ts';
import { QueueParams, QueueState } from './queues.ts';
import {
  Email,
  Estimate,
  Locale,
  limits,
  optionalBody,
  PartySize,
  PersonName,
  Phone,
  Timestamp,
  Uuid,
} from './values.ts';

/** A join code or ticket in any other form gets 404, like an unknown one. */
const JoinParams = z.strictObject({ joinCode: z.string().min(1).max(64) });
export const TicketParams = z.strictObject({ ticket: z.string().min(1).max(128) });

/** What pages for guests take from the venue. */
const venueLook = {
  locale: z.string().meta({ description: 'Language of the venue' }),
  timezone: z.string().meta({ description: 'Time zone of the venue' }),
  accentColor: z.string().nullable().meta({ description: 'Color of the venue; null for ours' }),
};

export const getJoinPage = contract({
  operationId: 'getJoinPage',
  summary: 'Get the details of a line before joining',
  description:
    'What a guest sees before joining. `estimate` is null if a party of this size cannot join now, and while estimates are unavailable. Sizes get different estimates once the line has shown that they wait differently.',
  service: 'queue',
  method: 'GET',
  url: '/v1/join/:joinCode',
  auth: 'public',
  rateLimit: 'address',
  schema: {
    params: JoinParams,
    querystring: z.strictObject({ size: z.coerce.number().pipe(PartySize).default(1) }),
  },
  status: 200,
  response: z
    .object({
      queueId: Uuid,
      venueName: z.string(),
      name: z.string(),
      text: z.string().nullable(),
      state: QueueState,
      full: z
        .boolean()
        .meta({ description: 'Whether the queue has as many waiting parties as it takes' }),
      waiting: z.int(),
      estimate: Estimate.nullable(),
      maxPartySize: z.int(),
      selfJoin: z.boolean(),
      retentionDays: z
        .int()
        .meta({ description: 'How long the venue keeps personal data after the visit' }),
      ...venueLook,
    })
    .meta({ id: 'JoinPage' }),
  problems: ['not-found'],
});

export const getBoardPage = contract({
  operationId: 'getBoardPage',
  summary: 'Get what a board shows besides the called parties',
  description:
    'The venue, its language and color, and the link for the QR code. Changes rarely: read it again every few minutes.',
  service: 'queue',
  method: 'GET',
  url: '/v1/boards/:queueId/page',
  auth: 'public',
  rateLimit: 'address',
  schema: { params: QueueParams },
  status: 200,
  response: z
    .object({
      venueName: z.string(),
      joinUrl: z.string().nullable().meta({ description: 'Null if only staff can add parties' }),
      ...venueLook,
    })
    .meta({ id: 'BoardPage' }),
  problems: ['not-found'],
});

export const Joined = z
  .object({
    ticket: z.string(),
    ticketUrl: z.string(),
    number: z.int(),
    position: z.int().nullable().meta({
      description:
        'Null if it was not known in time; it follows from `getPosition` or `liveTicket`',
    }),
    estimate: Estimate.nullable(),
  })
  .meta({ id: 'Joined' });

export const joinQueue = contract({
  operationId: 'joinQueue',
  summary: 'Join a line',
  description:
    'The guest is in line once this responds. `position` and `estimate` are null if the place was not known within a second, or 50 ms during an outage of the position service; get them from `getPosition` or `liveTicket`.',
  service: 'queue',
  method: 'POST',
  url: '/v1/join/:joinCode',
  auth: 'public',
  rateLimit: 'join',
  schema: {
    params: JoinParams,
    body: z.strictObject({
      name: PersonName,
      size: PartySize.default(1),
      email: Email.nullable().default(null),
      phone: Phone.nullable().default(null),
      locale: Locale.optional(),
    }),
  },
  status: 201,
  response: Joined,
  problems: [
    'party-too-large',
    'self-join-off',
    'not-found',
    'queue-full',
    'queue-paused',
    'queue-closed',
  ],
});

/** A guest's own party; holds nothing about other guests. */
export const GuestParty = z
  .object({
    queueId: Uuid,
    queueName: z.string(),
    venueName: z.string(),
    ...venueLook,
    text: z.string().nullable(),
    endMessage: z.string().nullable(),
    number: z.int(),
    name: z.string().nullable(),
    size: z.int(),
    state: PartyState,
    joinedAt: Timestamp,
    calledAt: Timestamp.nullable(),
    callExpiresAt: Timestamp.nullable().meta({
      description: 'When the party becomes a no-show; null unless called',
    }),
    confirmedAt: Timestamp.nullable(),
    snoozesLeft: z.int().meta({ description: 'How often the guest can still let others go ahead' }),
  })
  .meta({ id: 'GuestParty' });
export type GuestParty = z.infer<typeof GuestParty>;

export const getTicket = contract({
  operationId: 'getTicket',
  summary: 'Get your own party',
  description: 'Works with the ticket from joining, also after the wait has ended.',
  service: 'queue',
  method: 'GET',
  url: '/v1/tickets/:ticket',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams },
  status: 200,
  response: GuestParty,
  problems: ['not-found'],
});

export const leaveQueue = contract({
  operationId: 'leaveQueue',
  summary: 'Leave the line',
  description: 'Works while the party is waiting or called. Only a host can undo it.',
  service: 'queue',
  method: 'POST',
  url: '/v1/tickets/:ticket/leave',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams, body: optionalBody({}) },
  status: 200,
  response: GuestParty,
  problems: ['not-found', 'invalid-transition'],
});

export const confirmComing = contract({
  operationId: 'confirmComing',
  summary: 'Confirm that you are coming',
  description: 'Doubles the time you have to arrive, once per call.',
  service: 'queue',
  method: 'POST',
  url: '/v1/tickets/:ticket/confirm',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: { params: TicketParams, body: optionalBody({}) },
  status: 200,
  response: GuestParty,
  problems: ['not-found', 'invalid-transition'],
});

export const snooze = contract({
  operationId: 'snooze',
  summary: 'Let other parties go ahead of you',
  description: `Moves you behind the next \`places\` parties, or to the end of the line if fewer are behind you. You can do this up to ${limits.snoozesMax} times. Once you are called it works only with \`giveUpCall\`: the call ends, and you wait again.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/tickets/:ticket/snooze',
  auth: 'ticket',
  rateLimit: 'ticket',
  schema: {
    params: TicketParams,
    body: z.strictObject({
      places: z.int().min(1).max(limits.snoozePlacesMax),
      giveUpCall: z.boolean().default(false).meta({
        description:
          'Also go back if you are called, and lose that call. Without it, a call that comes at the same moment is kept.',
      }),
    }),
  },
  status: 200,
  response: GuestParty,
  problems: ['not-found', 'invalid-transition', 'snooze-limit-reached', 'place-used-up'],
});

const UnsubscribeParams = z.strictObject({ token: z.string().min(1).max(200) });
const htmlPage = { contentType: 'text/html; charset=utf-8' } as const;

export const getUnsubscribePage = contract({
  operationId: 'getUnsubscribePage',
  summary: 'Get the page that stops e-mails from a venue',
  description: 'Mails to guests link here. Changes nothing: the page has a button that does.',
  service: 'queue',
  method: 'GET',
  url: '/v1/unsubscribe/:token',
  auth: 'public',
  rateLimit: 'address',
  schema: { params: UnsubscribeParams },
  status: 200,
  response: htmlPage,
  problems: ['not-found'],
});

export const unsubscribe = contract({
  operationId: 'unsubscribe',
  summary: 'Stop e-mails from a venue',
  description:
    'The venue sends no more e-mails to the address whose mail had this link, nor to its plus-addresses. Mail clients call it with one click (RFC 8058); the body, a form, is ignored. Responds with a page for the guest.',
  service: 'queue',
  method: 'POST',
  url: '/v1/unsubscribe/:token',
  auth: 'public',
  rateLimit: 'address',
  takesForms: true,
  isRepeatable: true,
  schema: { params: UnsubscribeParams },
  status: 200,
  response: htmlPage,
  problems: ['not-found'],
});
