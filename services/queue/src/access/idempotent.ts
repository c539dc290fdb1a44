/** A staff request as `once` takes it; `target` is the id of what it is about. */
export function idempotent(
  contract: { operationId: string },
  request: { claims: { sub: string }; idempotencyKey: string | null; body: unknown },
  target: Buffer,
) {
  return {
    key: request.idempotencyKey,
    caller: request.claims.sub,
    operationId: contract.operationId,
    target,
    body: request.body,
  };
}
