import { z } from 'zod';
import { contract } from './contract.ts';
import { limits, page, pageQuery, Timestamp, Title, Uuid } from './values.ts';
import { VenueParams } from './venues.ts';

/** Prefix of every API key, by which secret scanners recognise a leaked one. */
export const apiKeyPrefix = 'qm_';

export const ApiKey = z
  .object({
    id: Uuid,
    name: z.string(),
    createdBy: Uuid.meta({
      description: 'The account that created the key. It may have left the venue since.',
    }),
    createdAt: Timestamp,
  })
  .meta({ id: 'ApiKey' });
export type ApiKey = z.infer<typeof ApiKey>;

export const createApiKey = contract({
  operationId: 'createApiKey',
  summary: "Create an API key for the venue's own programs",
  description: `The key is shown only once, in this response. A repeat with the same Idempotency-Key gets the response without \`key\`. A venue can have up to ${limits.apiKeysMax} keys.`,
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
  summary: "List a venue's API keys",
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
  summary: 'Delete an API key; it stops working at once',
  service: 'queue',
  method: 'DELETE',
  url: '/v1/venues/:venueId/api-keys/:keyId',
  auth: 'manager',
  rateLimit: 'account',
  schema: { params: z.strictObject({ venueId: Uuid, keyId: Uuid }) },
  status: 204,
  problems: ['forbidden', 'not-found'],
});
