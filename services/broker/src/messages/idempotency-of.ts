import type { ApiKeyOwner } from '@queue-manager/service-kit/route';
import type { Publishing } from '../store/message-store.ts';

/** The idempotency key of a request, which counts for its API key. */
export function idempotencyOf(request: {
  apiKey: ApiKeyOwner;
  idempotencyKey: string | null;
}): Publishing['idempotency'] {
  const { apiKey, idempotencyKey } = request;
  if (idempotencyKey === null) return undefined;
  return { caller: apiKey.keyId, key: idempotencyKey };
}
