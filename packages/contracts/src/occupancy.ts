import { z } from 'zod';
import { contract } from './contract.ts';
import { Actor } from './events.ts';
import { overrideFields, overrideNeedsReason } from './parties.ts';
import { page, pageQuery, Timestamp, Uuid } from './values.ts';
import { VenueParams } from './venues.ts';

export const Occupancy = z
  .object({
    occupancy: z.int().meta({ description: 'Number of people inside' }),
    capacity: z.int().nullable(),
    available: z
      .int()
      .nullable()
      .meta({ description: 'Number of people who can still enter; null if there is no limit' }),
  })
  .meta({ id: 'Occupancy' });
export type Occupancy = z.infer<typeof Occupancy>;

const peopleMax = 1_000;

export const getOccupancy = contract({
  operationId: 'getOccupancy',
  summary: "Get a venue's occupancy",
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/occupancy',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: VenueParams },
  status: 200,
  response: Occupancy,
  problems: ['not-found'],
});

export const changeOccupancy = contract({
  operationId: 'changeOccupancy',
  summary: 'Count people in or out at the door',
  description:
    'The count never goes below 0. A manager can go beyond the capacity with `override` and a `reason`.',
  service: 'queue',
  method: 'POST',
  url: '/v1/venues/:venueId/occupancy',
  auth: 'host',
  rateLimit: 'account',
  schema: {
    params: VenueParams,
    body: z
      .strictObject({
        delta: z
          .int()
          .min(-peopleMax)
          .max(peopleMax)
          .refine((delta) => delta !== 0, 'must not be 0')
          .meta({ not: { const: 0 } }),
        ...overrideFields,
      })
      .superRefine(overrideNeedsReason),
  },
  status: 200,
  response: Occupancy,
  problems: ['forbidden', 'not-found', 'venue-full'],
});

export const OccupancyChange = z
  .object({
    id: Uuid,
    time: Timestamp,
    delta: z.int(),
    occupancy: z.int().meta({ description: 'Number of people inside after the change' }),
    partyId: Uuid.nullable().meta({ description: 'Null for a count at the door' }),
    actor: Actor,
    override: z.boolean(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'OccupancyChange' });
export type OccupancyChange = z.infer<typeof OccupancyChange>;

export const listOccupancyChanges = contract({
  operationId: 'listOccupancyChanges',
  summary: "List the changes of a venue's occupancy, latest first",
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/occupancy/changes',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(OccupancyChange),
  problems: ['not-found'],
});
