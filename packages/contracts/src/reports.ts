import { z } from 'zod';
import { contract } from './contract.ts';
import { type PartyState, partyStates } from './parties.ts';
import { QueueParams } from './queues.ts';
import { Timestamp } from './values.ts';

/** A business day of the venue, or a moment. */
const PeriodEnd = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a day such as 2026-11-20 or an RFC 3339 time',
  })
  .meta({ description: 'A business day of the venue, as 2026-11-20, or an RFC 3339 time' });

const periodQuery = z.strictObject({ from: PeriodEnd.optional(), to: PeriodEnd.optional() });

const periodDescription =
  'Of the parties that joined in a period: from the start of the day `from` to the end of the day `to`, each a business day of the venue; a time instead of a day counts as it is, `to` not included. Without `from` the present business day; without `to` up to now.';

const seconds = z.int().min(0);
const rate = z.number().min(0).max(1);

export const Report = z
  .object({
    queueId: z.uuid(),
    from: Timestamp,
    to: Timestamp,
    timezone: z.string(),
    joined: z.int(),
    outcomes: z
      .object(
        Object.fromEntries(partyStates.map((state) => [state, z.int()])) as Record<
          PartyState,
          z.ZodInt
        >,
      )
      .meta({ description: 'How many are in each state now' }),
    waits: z
      .object({
        count: z.int(),
        p50: seconds.nullable(),
        p90: seconds.nullable(),
        max: seconds.nullable(),
      })
      .meta({
        description:
          'Seconds from joining until being called, or seated without a call, of those who were; percentiles by nearest rank',
      }),
    noShowRate: rate.nullable().meta({
      description: 'Of those who were called and are not expected any more, how many did not come',
    }),
    abandonmentRate: rate.nullable().meta({
      description: 'Of those whose wait is over, how many left before they were called',
    }),
    quoted: z
      .object({
        guests: z.int(),
        maeSeconds: z.number().nullable(),
        tooLowShare: rate.nullable(),
        coverage80: rate.nullable(),
      })
      .meta({
        description:
          'The wait quoted on joining against the one that came: mean absolute error of its median, share of medians that were too low, and share of waits between its 10th and 90th percentile',
      }),
    perHour: z
      .array(
        z.object({
          start: Timestamp,
          hour: z
            .string()
            .meta({ description: "The venue's wall clock, as 2026-11-20T21:00+00:00" }),
          joined: z.int(),
          served: z.int(),
          abandoned: z.int(),
          waitSecondsP50: seconds.nullable(),
        }),
      )
      .meta({ description: 'By the hour of joining; hours without anybody are left out' }),
  })
  .meta({ id: 'Report' });
export type Report = z.infer<typeof Report>;

export const getReport = contract({
  operationId: 'getReport',
  summary: 'What a night was like: outcomes, waits, and how good the quoted waits were',
  description: periodDescription,
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/report',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams, querystring: periodQuery },
  status: 200,
  response: Report,
  problems: ['forbidden', 'not-found'],
});

export const exportParties = contract({
  operationId: 'exportParties',
  summary: 'The parties of a queue as a spreadsheet',
  description: `${periodDescription} Times are the venue's own.`,
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/parties.csv',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams, querystring: periodQuery },
  status: 200,
  response: { contentType: 'text/csv' },
  problems: ['forbidden', 'not-found'],
});
