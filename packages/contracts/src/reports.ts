import { z } from 'zod';
import { contract } from './contract.ts';
import { type PartyState, partyStates } from './parties.ts';
import { QueueParams } from './queues.ts';
import { Timestamp } from './values.ts';
import { VenueParams } from './venues.ts';

/** The longest period of a report: a year, plus a month to compare with. */
export const periodDaysMax = 400;

/** A business day of the venue, or a time. */
const PeriodEnd = z
  .union([z.iso.date(), z.iso.datetime({ offset: true })], {
    error: 'must be a date such as 2026-11-20 or an RFC 3339 time (encode + as %2B)',
  })
  .meta({ description: 'A business day of the venue such as 2026-11-20, or an RFC 3339 time' });

const periodQuery = z.strictObject({ from: PeriodEnd.optional(), to: PeriodEnd.optional() });
export type PeriodQuery = z.infer<typeof periodQuery>;

const periodDescription = `Covers the parties that joined in a period. With dates, it runs from the start of the business day \`from\` to the end of the business day \`to\`; with times, from \`from\` up to but excluding \`to\`. \`from\` defaults to the current business day, \`to\` to now. The period can be up to ${periodDaysMax} days.`;

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
      .meta({ description: 'Number of parties now in each state' }),
    seats: z.int().meta({
      description: 'Number of people in the parties that are seated or have departed',
    }),
    waits: z
      .object({
        count: z.int(),
        p50: seconds.nullable(),
        p90: seconds.nullable(),
        max: seconds.nullable(),
      })
      .meta({
        description:
          'Wait in whole seconds from joining to the first call, or to being seated without a call. Parties that were neither are not counted. The wait of a restored party continues. Percentiles by nearest rank.',
      }),
    noShowRate: rate.nullable().meta({
      description:
        'Share of no-shows among the parties that were called and are no longer expected, including those that left or were removed after the call',
    }),
    abandonmentRate: rate.nullable().meta({
      description:
        'Share of parties that left before being called, among those that were called, were seated or left. Parties that are still waiting, or that staff removed before a call, are not counted.',
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
          'Accuracy of the waits quoted on joining, over parties that waited at least a second and were called or seated: mean absolute error of the median, share of medians that were too low, and share of waits between the 10th and 90th percentile',
      }),
    perHour: z
      .array(
        z.object({
          start: Timestamp,
          hour: z.string().meta({
            description:
              "Start of the hour in the venue's local time, such as 2026-11-20T21:00+00:00. When clocks go back, one hour appears twice.",
          }),
          joined: z.int(),
          served: z.int(),
          abandoned: z.int(),
          waitSecondsP50: seconds.nullable(),
        }),
      )
      .meta({ description: 'By hour of joining; hours in which nobody joined are left out' }),
    perWeekHour: z
      .array(
        z.object({
          weekday: z.int().min(1).max(7).meta({ description: '1 is Monday, 7 is Sunday' }),
          hour: z.int().min(0).max(23),
          joined: z.int(),
          served: z.int(),
          abandoned: z.int(),
          noShows: z.int(),
          waitSecondsP50: seconds.nullable(),
          waitSecondsP90: seconds.nullable(),
        }),
      )
      .meta({
        description:
          'By local weekday and hour of joining, over the whole period; hours in which nobody joined are left out',
      }),
    perQuote: z
      .array(
        z.object({
          fromSeconds: seconds,
          toSeconds: seconds.nullable().meta({ description: 'Exclusive; null for the last' }),
          guests: z.int(),
          waitSecondsP10: seconds,
          waitSecondsP50: seconds,
          waitSecondsP90: seconds,
          belowShare: rate.meta({ description: 'Share of waits below the quoted 10th percentile' }),
          aboveShare: rate.meta({ description: 'Share of waits above the quoted 90th percentile' }),
        }),
      )
      .meta({
        description:
          'The waits of the guests counted in `quoted`, by the median that they were quoted; ranges without guests are left out',
      }),
  })
  .meta({ id: 'Report' });
export type Report = z.infer<typeof Report>;

export const getReport = contract({
  operationId: 'getReport',
  summary: "Get a queue's report: outcomes, waits and accuracy of the quoted waits",
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

export const VenueReport = Report.omit({ queueId: true })
  .extend({
    venueId: z.uuid(),
    queueIds: z.array(z.uuid()).meta({ description: 'The queues that were counted' }),
  })
  .meta({ id: 'VenueReport' });
export type VenueReport = z.infer<typeof VenueReport>;

const queuesMax = 50;
const uuidPattern = '[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';

/** Comma-separated ids. */
const QueueIds = z
  .string()
  .transform((written) => written.toLowerCase().split(','))
  .pipe(z.array(z.uuid()).max(queuesMax))
  .meta({
    description: `Ids of up to ${queuesMax} queues, comma-separated`,
    pattern: `^${uuidPattern}(?:,${uuidPattern})*$`,
  });

export const getVenueReport = contract({
  operationId: 'getVenueReport',
  summary: "Get a venue's report over its queues",
  description: `${periodDescription} Counts all queues, also deleted ones, or those in \`queues\`. A guest who joined two queues is two parties.`,
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/report',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: periodQuery.extend({ queues: QueueIds.optional() }) },
  status: 200,
  response: VenueReport,
  problems: ['forbidden', 'not-found'],
});

export const exportParties = contract({
  operationId: 'exportParties',
  summary: "Export a queue's parties as CSV",
  description: `${periodDescription} Rows are in order of joining; times are in the venue's local time. Cells that a spreadsheet would evaluate as a formula start with an apostrophe. If the connection breaks, the file is incomplete.`,
  service: 'queue',
  method: 'GET',
  url: '/v1/queues/:queueId/parties.csv',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: QueueParams, querystring: periodQuery },
  status: 200,
  response: { contentType: 'text/csv; charset=utf-8', isFile: true },
  problems: ['forbidden', 'not-found'],
});
