import { z } from 'zod';
import { contract } from './contract.ts';
import { Actor } from './events.ts';
import { overrideFields, overrideNeedsReason } from './parties.ts';
import { page, pageQuery, Timestamp, Uuid } from './values.ts';
import { VenueParams } from './venues.ts';

export const Occupancy = z
  .object({
    occupancy: z.int().meta({ description: 'How many people are in' }),
    capacity: z.int().nullable(),
    available: z
      .int()
      .nullable()
      .meta({ description: 'How many more may come in; null without a limit' }),
  })
  .meta({ id: 'Occupancy' });
export type Occupancy = z.infer<typeof Occupancy>;

const peopleMax = 1_000;

export const getOccupancy = contract({
  operationId: 'getOccupancy',
  summary: 'How many people are in the venue',
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
  summary: 'Count people who walk in or go, as a clicker at the door does',
  description:
    'Never counts below 0. Beyond the capacity a manager may `override`, with a `reason`.',
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
          .refine((delta) => delta !== 0, 'must not be 0'),
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
    occupancy: z.int().meta({ description: 'As it was afterwards' }),
    partyId: Uuid.nullable().meta({ description: 'null for a click at the door' }),
    actor: Actor,
    override: z.boolean(),
    reason: z.string().nullable(),
  })
  .meta({ id: 'OccupancyChange' });
export type OccupancyChange = z.infer<typeof OccupancyChange>;

export const listOccupancyChanges = contract({
  operationId: 'listOccupancyChanges',
  summary: 'Who let how many in and out, and why, the latest first',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/occupancy/changes',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(OccupancyChange),
  problems: ['forbidden', 'not-found'],
});
