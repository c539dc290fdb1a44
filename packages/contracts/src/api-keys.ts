import { z } from 'zod';
import { contract } from './contract.ts';
import { limits, page, pageQuery, Timestamp, Title, Uuid } from './values.ts';
import { VenueParams } from './venues.ts';

/** What an API key begins with, so that one that leaked can be found by its looks. */
export const apiKeyPrefix = 'qm_';

export const ApiKey = z
  .object({
    id: Uuid,
    name: z.string(),
    createdBy: Uuid.meta({ description: 'Whose account made it; it may be no member any more' }),
    createdAt: Timestamp,
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof ApiKey>;

export const createApiKey = contract({
  operationId: 'createApiKey',
  summary: "Make a key for a venue's own programs; it is shown this once",
  description: `A repeat with the same Idempotency-Key gets the answer without \`key\`. A venue has at most ${limits.apiKeysMax} keys.`,
  service: 'queue',
  method: 'POST',
  url: '/v1/venues/:venueId/api-keys',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, body: z.strictObject({ name: Title }) },
  status: 201,
  response: ApiKey.extend({ key: z.string().optional() }).meta({ id: 'NewApiKey' }),
  problems: ['forbidden', 'not-found', 'too-many-api-keys'],
});

export const listApiKeys = contract({
  operationId: 'listApiKeys',
  summary: 'List the API keys of a venue',
  service: 'queue',
  method: 'GET',
  url: '/v1/venues/:venueId/api-keys',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: VenueParams, querystring: pageQuery({}) },
  status: 200,
  response: page(ApiKey),
  problems: ['forbidden', 'not-found'],
});

export const deleteApiKey = contract({
  operationId: 'deleteApiKey',
  summary: 'Take an API key back; it is refused from then on',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/venues/:venueId/api-keys/:keyId',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: z.strictObject({ venueId: Uuid, keyId: Uuid }) },
  status: 204,
  problems: ['forbidden', 'not-found'],
});
