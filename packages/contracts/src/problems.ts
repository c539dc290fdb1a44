import { z } from 'zod';

/** The `type` of a problem is this base plus its code. */
export const problemTypeBase = 'https://queue-manager.dev/problems/';

/** Every problem a route can respond with, by its code. */
export const problemTypes = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'invalid-token': { status: 400, title: 'The token is invalid or has expired' },
  'party-too-large': { status: 400, title: 'The party is too large for this queue' },
  unauthenticated: { status: 401, title: 'You need to sign in' },
  'invalid-credentials': { status: 401, title: 'Wrong e-mail or password' },
  'invalid-refresh-token': { status: 401, title: 'The refresh token is no longer valid' },
  forbidden: { status: 403, title: 'You are not allowed to do this' },
  'self-join-off': { status: 403, title: 'Only staff can add parties to this queue' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'Method not allowed' },
  'request-timeout': { status: 408, title: 'The request came too slowly' },
  'invalid-transition': { status: 409, title: 'The party is in a state that does not allow this' },
  'party-changed': { status: 409, title: 'The party has changed in the meantime' },
  'cannot-undo': { status: 409, title: 'This can no longer be taken back' },
  'nobody-waiting': { status: 409, title: 'No matching party is waiting' },
  'queue-full': { status: 409, title: 'The queue is full' },
  'queue-paused': { status: 409, title: 'The queue is paused and not accepting new parties' },
  'queue-closed': { status: 409, title: 'The queue is closed' },
  'venue-full': { status: 409, title: 'The venue is full' },
  'place-used-up': { status: 409, title: 'There is no room left between these two parties' },
  'snooze-limit-reached': { status: 409, title: 'You cannot let others go ahead again' },
  'task-not-failed': { status: 409, title: 'Only failed tasks can be retried' },
  'too-many-invitations': { status: 409, title: 'The venue has too many open invitations' },
  'too-many-api-keys': { status: 409, title: 'The venue has too many API keys' },
  'last-owner': { status: 409, title: 'A venue needs at least one owner' },
  'payload-too-large': { status: 413, title: 'The request body is too large' },
  'unsupported-media-type': { status: 415, title: 'The request body must be JSON' },
  'idempotency-key-reused': {
    status: 422,
    title: 'This Idempotency-Key was already used with a different body',
  },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'backlog-full': { status: 429, title: 'The message queue is full' },
  'headers-too-large': { status: 431, title: 'The request headers are too large' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Temporarily unavailable; please try again in a moment' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemTypes;

/** An invalid field; `path` locates it in the request. */
export const FieldError = z.object({ path: z.string(), message: z.string() });
export type FieldError = z.infer<typeof FieldError>;

/** RFC 9457 problem details, the body of every error. */
export const ProblemDetails = z
  .object({
    type: z.url(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    requestId: z.string(),
    errors: z.array(FieldError).optional(),
  })
  .meta({ id: 'ProblemDetails' });
export type ProblemDetails = z.infer<typeof ProblemDetails>;

/** Problems that any route can respond with. */
export const commonProblems = [
  'validation-failed',
  'too-many-requests',
  'internal-error',
  'unavailable',
] as const satisfies readonly ProblemCode[];
