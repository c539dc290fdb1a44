import {
  type FieldError,
  type ProblemCode,
  type ProblemDetails,
  problemTypeBase,
  problemTypes,
} from '@queue-manager/contracts/problems';

export type ProblemOptions = {
  /** A human-readable explanation of this occurrence, without personal data. */
  detail?: string;
  errors?: FieldError[];
  /** Seconds, sent as `Retry-After`. */
  retryAfterSeconds?: number;
  cause?: unknown;
};

/** An error for the caller. Thrown anywhere; `createApp` turns it into problem+json. */
export class Problem extends Error {
  readonly code: ProblemCode;
  readonly status: number;
  readonly errors: FieldError[] | undefined;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ProblemCode, options: ProblemOptions = {}) {
    super(options.detail ?? `${problemTypes[code].title}.`, { cause: options.cause });
    this.name = 'Problem';
    this.code = code;
    this.status = problemTypes[code].status;
    this.errors = options.errors;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }

  /** The body of the response. */
  toDetails(requestId: string): ProblemDetails {
    return {
      type: problemTypeBase + this.code,
      title: problemTypes[this.code].title,
      status: this.status,
      detail: this.message,
      requestId,
      ...(this.errors === undefined ? {} : { errors: this.errors }),
    };
  }
}

/** Whether an error is the problem with this code. */
export function isProblem(error: unknown, code: ProblemCode): error is Problem {
  return error instanceof Problem && error.code === code;
}

type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;

type ProblemFactories = {
  [C in ProblemCode as CamelCase<C>]: (options?: ProblemOptions) => Problem;
};

/** One factory per code: `throw problems.queueFull()`. */
export const problems = Object.fromEntries(
  (Object.keys(problemTypes) as ProblemCode[]).map((code) => [
    code.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase()),
    (options?: ProblemOptions) => new Problem(code, options),
  ]),
) as ProblemFactories;

/** A `validation-failed` for one field that only the handler can check. */
export function invalidField(path: string, message: string): Problem {
  return problems.validationFailed({ detail: `${path} ${message}.`, errors: [{ path, message }] });
}

const outageCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOTFOUND',
  'EHOSTUNREACH',
  'PROTOCOL_CONNECTION_LOST',
  'ER_SERVER_SHUTDOWN',
  'ER_CON_COUNT_ERROR',
  'ER_LOCK_WAIT_TIMEOUT',
  'ER_NORMAL_SHUTDOWN',
  'POOL_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);
const outageNames = new Set([
  'TimeoutError',
  'MaxRetriesPerRequestError',
  'UpstreamError',
  'ClusterAllFailedError',
  // AWS, after the SDK's retries.
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
]);
const outageMessages = [
  'Connection is closed',
  "Stream isn't writeable",
  'Command timed out',
  "Can't add new command when connection is in closed state",
  'Command aborted due to connection close',
  "Cluster isn't ready",
  // A Redis Cluster that is failing over or moving slots.
  'Too many Cluster redirections',
  'No sharded subscriber for slot',
  'No subscriber for the cluster',
  'Cluster is ended',
  'None of startup nodes is available',
  // A Redis server that is starting, failing over, read-only, out of memory, or unable to persist.
  'LOADING Redis',
  'CLUSTERDOWN',
  'MASTERDOWN',
  'READONLY You',
  'OOM command not allowed',
  'MISCONF',
];

/** Whether an error means that a store or another service is unavailable, rather than a bug of ours. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, $metadata } = error as {
    code?: unknown;
    $metadata?: { httpStatusCode?: number };
  };
  if (typeof code === 'string' && outageCodes.has(code)) return true;
  // AWS has many error names for its own failures; all have a 5xx status.
  if (($metadata?.httpStatusCode ?? 0) >= 500) return true;
  if (outageNames.has(error.name)) return true;
  if (outageMessages.some((message) => error.message.includes(message))) return true;
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  return error.cause !== undefined && error.cause !== error && isOutage(error.cause);
}
