import { hash } from 'node:crypto';
import { apiKeyPrefix } from '@queue-manager/contracts/api-keys';
import { checkApiKey } from '@queue-manager/contracts/internal';
import type { VerifyApiKey } from '@queue-manager/service-kit/create-app';
import { bytesToUuid, isUuid } from '@queue-manager/service-kit/ids';
import type { InternalClient } from '@queue-manager/service-kit/internal-client';
import { problems } from '@queue-manager/service-kit/problems';
import { withoutDeadline } from '@queue-manager/service-kit/trace-context';
import { LRUCache } from 'lru-cache';

/** A revoked key may work for as long: less than the 5 s that the contract allows. */
const knownMs = 4_000;
const keysMax = 10_000;
const idBytes = 16;

/** Verifies API keys with the queue service, and remembers for a moment whose they are, or that they are nobody's. */
export function createApiKeyVerifier(options: { queueService: InternalClient }): VerifyApiKey {
  /** By hash, so that no key stays in memory. */
  const known = new LRUCache<string, Promise<string | null>>({ max: keysMax, ttl: knownMs });

  function venueOf(keyId: string, secretHash: string): Promise<string | null> {
    const cacheKey = `${keyId} ${secretHash}`;
    const cached = known.get(cacheKey);
    if (cached !== undefined) return cached;
    // Calls that come meanwhile share the answer, so it has no deadline of this one.
    const found = withoutDeadline(() =>
      options.queueService.find(checkApiKey, { body: { keyId, secretHash } }),
    ).then((key) => key?.venueId ?? null);
    known.set(cacheKey, found);
    found.catch(() => known.delete(cacheKey));
    return found;
  }

  return async (key) => {
    const bytes = Buffer.from(key.slice(apiKeyPrefix.length), 'base64url');
    const keyId = bytesToUuid(bytes.subarray(0, idBytes));
    if (key.startsWith(apiKeyPrefix) && isUuid(keyId)) {
      const venueId = await venueOf(keyId, hash('sha256', bytes.subarray(idBytes), 'hex'));
      if (venueId !== null) return { venueId, keyId };
    }
    throw problems.unauthenticated({
      detail: 'The API key is not valid. It may have been deleted.',
    });
  };
}
