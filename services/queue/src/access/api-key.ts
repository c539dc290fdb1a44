import { createHash, randomBytes } from 'node:crypto';
import { type ApiKey, apiKeyPrefix } from '@queue-manager/contracts/api-keys';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import type { Selectable } from 'kysely';
import type { ApiKeyTable } from '../db/tables.ts';

const secretBytes = 32;

/**
 * A new secret for the key with this id. The key is `qm_` and base64url(id ‖ secret), so that a check finds the row
 * by its id. Only the SHA-256 of the secret is stored: it is random, so a slow hash would add nothing.
 */
export function newApiKey(id: Buffer): { key: string; secretHash: Buffer } {
  const secret = randomBytes(secretBytes);
  return {
    key: `${apiKeyPrefix}${Buffer.concat([id, secret]).toString('base64url')}`,
    secretHash: createHash('sha256').update(secret).digest(),
  };
}

export function apiKeyView(
  row: Pick<Selectable<ApiKeyTable>, 'id' | 'name' | 'created_by' | 'created_at'>,
): ApiKey {
  return {
    id: bytesToUuid(row.id),
    name: row.name,
    createdBy: bytesToUuid(row.created_by),
    createdAt: row.created_at.toISOString(),
  };
}
