import { z } from 'zod';
import { contract } from './contract.ts';
import { fieldLimits } from './field-limits.ts';
import {
  AccentColor,
  Locale,
  limits,
  page,
  pageQuery,
  TimeOfDay,
  Timestamp,
  Timezone,
  Title,
  Uuid,
} from './values.ts';

/** From lowest to highest; each role includes the rights of those before it. */
export const roles = ['host', 'manager', 'owner'] as const;
export const Role = z.enum(roles).meta({
  id: 'Role',
  description: 'From `host` to `owner`, each role includes the rights of those before it',
});
export type Role = z.infer<typeof Role>;

export const Venue = z
  .object({
    id: Uuid,
    name: z.string(),
    timezone: z.string(),
    locale: z.string(),
    capacity: z
      .int()
      .nullable()
      .meta({ description: 'Maximum number of people inside; null for no limit' }),
    occupancy: z.int(),
    dayStartsAt: z.string(),
    retentionDays: z.int(),
    accentColor: z
      .string()
      .nullable()
      .meta({ description: 'Color of the pages of guests; null for ours' }),
    feed: z.boolean().meta({
      description: "Whether the events of its queues are published to the venue's message queue",
    }),
    role: Role,
    createdAt: Timestamp,
  })
  .meta({ id: 'Venue' });
export type Venue = z.infer<typeof Venue>;

const venueFields = {
  name: Title,
  timezone: Timezone,
  locale: Locale,
  capacity: z.int().min(1).max(fieldLimits.capacityMax).nullable(),
  dayStartsAt: TimeOfDay,
  retentionDays: z.int().min(1).max(fieldLimits.retentionDaysMax),
  accentColor: AccentColor.nullable(),
};

export const VenueParams = z.strictObject({ venueId: Uuid });

export const createVenue = contract({
  operationId: 'createVenue',
  summary: 'Create a venue; you become its owner',
  description: `In their first ${limits.newVenueDays} days, all your new venues together can e-mail up to ${limits.newVenueRecipientsOfDayMax} guests in 24 hours. Further guests join as usual; the state of their notifications is \`skipped\`.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/venues',
  auth: 'user',
  rateLimit: 'account',
  schema: {
    body: z.strictObject({
      ...venueFields,
      locale: venueFields.locale.default('en'),
      capacity: venueFields.capacity.default(null),
      dayStartsAt: venueFields.dayStartsAt.default('05:00'),
      retentionDays: venueFields.retentionDays.default(30),
      accentColor: venueFields.accentColor.default(null),
    }),
  },
  status: 201,
  response: Venue,
});

export const listVenues = contract({
  operationId: 'listVenues',
  summary: 'List your venues',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues',
  auth: 'user',
  rateLimit: 'account',
  schema: { querystring: pageQuery({}) },
  status: 200,
  response: page(Venue),
});

export const getVenue = contract({
  operationId: 'getVenue',
  summary: 'Get a venue',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId',
  auth: 'host',
  rateLimit: 'account',
  schema: { params: VenueParams },
  status: 200,
  response: Venue,
  problems: ['not-found'],
});

export const updateVenue = contract({
  operationId: 'updateVenue',
  summary: 'Update a venue',
  description:
    'Fields that you omit stay as they are. A shorter `retentionDays` takes effect within minutes. With `feed`, the events of its queues from now on are published to the venue’s message queue.',
  service: 'queue',
  method: 'PATCH',
  url: '/v1/venues/:venueId',
  auth: 'manager',
  rateLimit: 'account',
  schema: {
    params: VenueParams,
    body: z.strictObject({ ...venueFields, feed: z.boolean() }).partial(),
  },
  status: 200,
  response: Venue,
  problems: ['forbidden', 'not-found'],
});

export const deleteVenue = contract({
  operationId: 'deleteVenue',
  summary: 'Delete a venue and its queues',
  description: 'Removes the parties in its lines. There is no way back.',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/venues/:venueId',
  auth: 'owner',
  rateLimit: 'account',
  schema: { params: VenueParams },
  status: 204,
  problems: ['forbidden', 'not-found'],
});
