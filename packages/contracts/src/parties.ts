import { z } from 'zod';
import { contract } from './contract.ts';
import { QueueParams } from './queues.ts';
import { TaskState } from './tasks.ts';
import {
  Email,
  Estimate,
  Locale,
  limits,
  Notes,
  OrderKeyHex,
  optionalBody,
  PartySize,
  PersonName,
  Phone,
  page,
  pageQuery,
  Reason,
  Timestamp,
  Uuid,
} from './values.ts';

/** Priority classes, in the order they are served. */
export const lanes = ['priority', 'regular'] as const;
export const Lane = z.enum(lanes).meta({ id: 'Lane' });
export type Lane = z.infer<typeof Lane>;

export const partyStates = [
  'waiting',
  'called',
  'seated',
  'departed',
  'no_show',
  'left',
  'removed',
] as const;
export const PartyState = z.enum(partyStates).meta({ id: 'PartyState' });
export type PartyState = z.infer<typeof PartyState>;

export const PartySource = z
  .enum(['staff', 'guest'])
  .meta({ id: 'PartySource', description: 'Who added the party' });
export type PartySource = z.infer<typeof PartySource>;

export const Party = z
  .object({
    id: Uuid,
    queueId: Uuid,
    number: z.int().meta({
      description:
        'Counts from 1 on each business day. No two parties in the line have the same: a restored party gets a new one if its own is taken.',
    }),
    ticket: z.string(),
    ticketUrl: z.string(),
    name: z.string().nullable().meta({ description: 'Null once erased' }),
    size: z.int(),
    lane: Lane,
    orderKey: OrderKeyHex,
    state: PartyState,
    email: z.string().nullable(),
    phone: z.string().nullable(),
    notes: z.string().nullable(),
    source: PartySource,
    seq: z.int().meta({ description: 'Sequence number of the last event of this party' }),
    position: z.int().nullable().meta({
      description: 'Null unless waiting, and while the position service is busy or unavailable',
    }),
    estimate: Estimate.nullable(),
    quoted: Estimate.nullable(),
    joinedAt: Timestamp,
    calledAt: Timestamp.nullable(),
    callExpiresAt: Timestamp.nullable().meta({
      description: 'When the call ends unless the party is seated; null unless called',
    }),
    confirmedAt: Timestamp.nullable(),
    seatedAt: Timestamp.nullable(),
    departedAt: Timestamp.nullable(),
    endedAt: Timestamp.nullable(),
    calls: z.int(),
    possibleDuplicate: z.boolean(),
    notifications: z.array(
      z.object({
        channel: z.string().meta({ description: 'How the guest is notified: `email`' }),
        kind: z
          .string()
          .meta({ description: 'What the guest is notified of, for example `notify.called`' }),
        state: TaskState,
        at: Timestamp.meta({ description: 'When it entered this state' }),
      }),
    ),
  })
  .meta({ id: 'Party' });
export type Party = z.infer<typeof Party>;

export const PartyParams = z.strictObject({ partyId: Uuid });

/** What a manager sends to go beyond the venue's capacity. */
export const overrideFields = {
  override: z
    .boolean()
    .optional()
    .meta({ description: "Go beyond the venue's capacity; managers only" }),
  reason: Reason.optional(),
};

/** Requires a reason with an override. */
export function overrideNeedsReason(
  body: { override?: boolean | undefined; reason?: string | undefined },
  context: z.RefinementCtx,
): void {
  if (body.override === true && body.reason === undefined) {
    context.addIssue({ code: 'custom', path: ['reason'], message: 'is required with override' });
  }
}

/** What a decision about a party was based on. */
const SeqSeen = z.int().min(1).meta({
  description:
    'The `seq` of the party that the decision was based on. If the party has changed since, nothing happens.',
});
const seqField = { seq: SeqSeen.optional() };

/** What staff enter about a party; `null` clears a field. */
const contactFields = {
  email: Email.nullable(),
  phone: Phone.nullable(),
  notes: Notes.nullable(),
};

export const addParty = contract({
  operationId: 'addParty',
  summary: 'Add a party to a queue',
  description: `\`position\` and \`estimate\` are null if the place was not known in time, as when a guest joins. A party that was added while the network was away joins at its \`joinedAt\`: behind those of its lane that joined before, ahead of those that joined later and still stand where they joined, also if the queue is paused or full by now. It gets no quote. An account can do that ${limits.backdatedOfHourMax} times in an hour.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/queues/:queueId/parties',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: QueueParams,
    body: z.strictObject({
      name: PersonName,
      size: PartySize.default(1),
      lane: Lane.default('regular'),
      email: contactFields.email.default(null),
      phone: contactFields.phone.default(null),
      notes: contactFields.notes.default(null),
      locale: Locale.optional(),
      joinedAt: Timestamp.optional().meta({
        description: `When the party joined, if not now: at most ${limits.joinedAtHoursMax} hours ago, and not before the queue was created. Within ${limits.joinedAtSkewSeconds} seconds of now is now.`,
      }),
    }),
  },
  status: 201,
  response: Party,
  problems: ['party-too-large', 'not-found', 'queue-full', 'queue-paused', 'queue-closed'],
});

const anyState = `(?:${partyStates.join('|')})`;

/** Comma-separated, as in `?state=waiting,called`. */
const PartyStates = z
  .string()
  .transform((written) => written.split(','))
  .pipe(z.array(PartyState).min(1))
  .meta({
    description: `Comma-separated: ${partyStates.join(', ')}`,
    pattern: `^${anyState}(?:,${anyState})*$`,
  });

export const listParties = contract({
  operationId: 'listParties',
  summary: "List a queue's parties in line order",
  description:
    'Without `state`, lists parties that are waiting or called. `q` matches a number or the start of a name, in any case and with or without accents. `order=desc` lists the end of the line first, which is where the latest to join are.',
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/parties',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: QueueParams,
    querystring: pageQuery({
      state: PartyStates.prefault('waiting,called'),
      lane: Lane.optional(),
      q: PersonName.optional(),
      order: z.enum(['asc', 'desc']).default('asc'),
    }),
  },
  status: 200,
  response: page(Party),
  problems: ['not-found'],
});

export const getParty = contract({
  operationId: 'getParty',
  summary: 'Get a party',
  service: 'queue',
  method: 'GET',
  url: '/v1/parties/:partyId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: PartyParams },
  status: 200,
  response: Party,
  problems: ['not-found'],
});

export const updateParty = contract({
  operationId: 'updateParty',
  summary: 'Update a party',
  description:
    "Increasing the `size` of a seated party takes up more of the venue's capacity. A manager can go beyond it with `override` and a `reason`. A repeat that changes nothing succeeds, whatever its `seq`.",
  service: 'queue',
  method: 'PATCH',
  url: '/v1/parties/:partyId',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: PartyParams,
    body: z
      .strictObject({
        name: PersonName,
        size: PartySize,
        ...contactFields,
        ...overrideFields,
        ...seqField,
      })
      .partial()
      .superRefine(overrideNeedsReason),
  },
  status: 200,
  response: Party,
  problems: ['party-too-large', 'forbidden', 'not-found', 'party-changed', 'venue-full'],
});

export const callNext = contract({
  operationId: 'callNext',
  summary: 'Call the next party',
  description: 'Calls the first waiting party that fits `minSize`, `maxSize` and `lane`.',
  service: 'queue',
  method: 'POST',
  url: '/v1/queues/:queueId/call-next',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: QueueParams,
    body: optionalBody({
      maxSize: z.int().min(1).max(limits.partySizeMax).optional(),
      minSize: z.int().min(1).max(limits.partySizeMax).optional(),
      lane: Lane.optional(),
    }),
  },
  status: 200,
  response: Party,
  problems: ['not-found', 'nobody-waiting'],
});

const partyAction = <const Id extends string, const U extends string>(
  operationId: Id,
  url: U,
  summary: string,
  description?: string,
) =>
  contract({
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    service: 'queue',
    method: 'POST',
    url,
    auth: 'host',
    rateLimit: 'account',
    schema: { params: PartyParams, body: optionalBody({ reason: Reason.optional(), ...seqField }) },
    status: 200,
    response: Party,
    problems: ['not-found', 'party-changed', 'invalid-transition'],
  });

export const callParty = partyAction(
  'callParty',
  '/v1/parties/:partyId/call',
  'Call a party, or call it again',
  'A call that is not answered within `callGraceSeconds` makes the party a no-show.',
);

export const seatParty = contract({
  operationId: 'seatParty',
  summary: 'Seat a party',
  description: "A manager can go beyond the venue's capacity with `override` and a `reason`.",
  service: 'queue',
  method: 'POST',
  url: '/v1/parties/:partyId/seat',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: PartyParams,
    body: z.preprocess(
      (body) => body ?? {},
      z.strictObject({ ...overrideFields, ...seqField }).superRefine(overrideNeedsReason),
    ),
  },
  status: 200,
  response: Party,
  problems: ['forbidden', 'not-found', 'party-changed', 'invalid-transition', 'venue-full'],
});

export const departParty = partyAction(
  'departParty',
  '/v1/parties/:partyId/depart',
  'Record that a seated party has left; its places are free again',
);
export const noShowParty = partyAction(
  'noShowParty',
  '/v1/parties/:partyId/no-show',
  'Record that a called party did not show up',
);
export const removeParty = partyAction(
  'removeParty',
  '/v1/parties/:partyId/remove',
  'Remove a party from the line',
  'Works while it is waiting or called.',
);
export const restoreParty = partyAction(
  'restoreParty',
  '/v1/parties/:partyId/restore',
  'Restore a party to its original position',
  'Works from every state but `waiting`; its earlier times are cleared.',
);

export const moveParty = contract({
  operationId: 'moveParty',
  summary: 'Move a waiting party to another place in the line',
  description:
    'A `position` past the end of the line means the end. A party that is moved among parties of another lane changes to that lane.',
  service: 'queue',
  method: 'POST',
  url: '/v1/parties/:partyId/move',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: PartyParams,
    body: z.strictObject({
      position: z.int().min(1).max(limits.waitingMax),
      reason: Reason,
      ...seqField,
    }),
  },
  status: 200,
  response: Party,
  problems: ['not-found', 'party-changed', 'invalid-transition', 'place-used-up'],
});

export const undoParty = contract({
  operationId: 'undoParty',
  summary: 'Take back the last change of a party',
  description: `Works for ${limits.undoSeconds} seconds, for every change that staff made, also a colleague, if \`seq\` is that of the change and nothing has happened to the party since. The party is as it was before: its state, times, place, fields, and what it takes of the venue's capacity. A call that is open again gets its grace time anew. A party that was added is removed. Messages of the change that are not sent yet are cancelled; a guest who got one is told the correction. What the system or the guest did, and an undo, cannot be taken back.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/parties/:partyId/undo',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: PartyParams, body: z.strictObject({ seq: SeqSeen }) },
  status: 200,
  response: Party,
  problems: ['not-found', 'party-changed', 'cannot-undo', 'place-used-up'],
});
