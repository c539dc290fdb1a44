import type { IdempotentRequest } from '../db/idempotency.ts';

/** A staff request as `once` takes it; `target` is the id of what it is about. */
export function idempotent(
  contract: { operationId: string },
  request: { claims: { sub: string }; idempotencyKey: string | null; body: unknown },
  target: Buffer,
): IdempotentRequest {
  const { claims, idempotencyKey: key, body } = request;
  return { key, caller: claims.sub, operationId: contract.operationId, target, body };
}
