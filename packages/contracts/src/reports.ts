import { z } from 'zod';
import { contract } from './contract.ts';
import { type PartyState, partyStates } from './parties.ts';
import { QueueParams } from './queues.ts';
import { Timestamp } from './values.ts';

/** The longest period that is read at once: a year and a month to compare with. */
export const periodDaysMax = 400;

/** A business day of the venue, or a moment. */
const PeriodEnd = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a day such as 2026-11-20 or an RFC 3339 time, whose + is written %2B here',
  })
  .meta({ description: 'A business day of the venue, as 2026-11-20, or an RFC 3339 time' });

const periodQuery = z.strictObject({ from: PeriodEnd.optional(), to: PeriodEnd.optional() });
export type PeriodQuery = z.infer<typeof periodQuery>;

const periodDescription = `Of the parties that joined in a period: from the start of the day \`from\` to the end of the day \`to\`, each a business day of the venue; a time instead of a day counts as it is, \`to\` not included. Without \`from\` the present business day; without \`to\` up to now. At most ${periodDaysMax} days.`;

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
          'Whole seconds from joining until being called first, or seated without a call, of those who were; the wait of a party that was put back in the line goes on. Percentiles by nearest rank',
      }),
    noShowRate: rate.nullable().meta({
      description:
        'Of those who were called and are not expected any more, the share that did not come; whoever left or was removed after the call is one of the former',
    }),
    abandonmentRate: rate.nullable().meta({
      description:
        'Of those who were called or seated, or left before, the share that left; whoever still waits, or was removed by staff before being called, is in neither number',
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
          'The wait quoted on joining against the one that came, of those who waited a second or more and were served: mean absolute error of its median, share of medians that were too low, and share of waits between its 10th and 90th percentile',
      }),
    perHour: z
      .array(
        z.object({
          start: Timestamp,
          hour: z.string().meta({
            description:
              "When it starts by the clock on the venue's wall, as 2026-11-20T21:00+00:00; where clocks go back an hour comes twice",
          }),
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
  description: `${periodDescription} In the order of joining; times are by the clock on the venue's wall. An apostrophe stands before what a spreadsheet would compute. An answer that breaks off is not the whole file.`,
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/parties.csv',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams, querystring: periodQuery },
  status: 200,
  response: { contentType: 'text/csv; charset=utf-8' },
  problems: ['forbidden', 'not-found'],
});
