import { z } from 'zod';

/** Every problem a route can answer with, by its code. The `type` of a problem is this base plus its code. */
export const problemTypeBase = 'https://queue-manager.dev/problems/';

export const problemTypes = {
  'validation-failed': { status: 400, title: 'The request is not valid' },
  'invalid-token': { status: 400, title: 'The token is not valid or has expired' },
  'party-too-large': { status: 400, title: 'The party is larger than this queue takes' },
  unauthenticated: { status: 401, title: 'Sign in first' },
  'invalid-credentials': { status: 401, title: 'The e-mail or the password is wrong' },
  'invalid-refresh-token': { status: 401, title: 'The refresh token is no longer valid' },
  forbidden: { status: 403, title: 'Your role does not allow this' },
  'self-join-off': { status: 403, title: 'Guests cannot join this queue by themselves' },
  'not-found': { status: 404, title: 'Not found' },
  'method-not-allowed': { status: 405, title: 'The method is not allowed here' },
  'invalid-transition': { status: 409, title: 'The party is not in a state that allows this' },
  'nobody-waiting': { status: 409, title: 'Nobody who fits is waiting' },
  'queue-full': { status: 409, title: 'The queue is full' },
  'queue-paused': { status: 409, title: 'The queue is paused and takes nobody at the moment' },
  'queue-closed': { status: 409, title: 'The queue is closed' },
  'venue-full': { status: 409, title: 'The venue is full' },
  'place-used-up': { status: 409, title: 'No more parties fit between these two' },
  'snooze-limit-reached': { status: 409, title: 'You have let others go first often enough' },
  'task-not-failed': { status: 409, title: 'Only a failed task can be retried' },
  'too-many-invitations': { status: 409, title: 'The venue has too many open invitations' },
  'too-many-api-keys': { status: 409, title: 'The venue has too many API keys' },
  'last-owner': { status: 409, title: 'A venue needs an owner' },
  'payload-too-large': { status: 413, title: 'The body is too large' },
  'unsupported-media-type': { status: 415, title: 'The body must be JSON' },
  'idempotency-key-reused': {
    status: 422,
    title: 'The Idempotency-Key was used before with another body',
  },
  'too-many-requests': { status: 429, title: 'Too many requests' },
  'internal-error': { status: 500, title: 'Something went wrong on our side' },
  unavailable: { status: 503, title: 'Unavailable for the moment' },
} as const satisfies Record<string, { status: number; title: string }>;

export type ProblemCode = keyof typeof problemTypes;

/** One field that was refused, `path` naming it in the request. */
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

/** What any route can answer with. */
export const commonProblems = [
  'validation-failed',
  'too-many-requests',
  'internal-error',
  'unavailable',
] as const satisfies readonly ProblemCode[];
