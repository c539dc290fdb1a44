import {
  type FieldError,
  type ProblemCode,
  type ProblemDetails,
  problemTypeBase,
  problemTypes,
} from '@queue-manager/contracts/problems';

type ProblemOptions = {
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
  'POOL_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_SOCKET',
  'UND_ERR_CLOSED',
  'UND_ERR_DESTROYED',
]);

/** Errors of a MySQL or MariaDB server that only reads, by number: it was a writer before a failover. */
const readOnlyErrors = new Set([
  1290, // runs with --read-only
  1792, // read-only transaction
  1836, // read-only mode
]);

/** Errors of a MySQL or MariaDB server that cannot work at the moment, by number. */
const mysqlOutages = new Set([
  ...readOnlyErrors,
  1021, // disk full
  1026, // cannot write a file
  1030, // the storage engine failed
  1037, // out of memory
  1040, // too many connections
  1041, // out of resources
  1047, // not part of its cluster
  1053, // shutting down
  1077, // shut down
  1114, // table full
  1129, // this host is blocked after connection errors
  1135, // cannot create a thread
  1180, // failed while committing
  1203, // too many connections of this user
  1205, // waited too long for a lock
  1226, // a limit of this user is reached
  1317, // the statement was killed
  1927, // MariaDB: the connection was killed
  1969, // MariaDB: the statement took too long
  3024, // MySQL: the statement took too long
]);

/** Whether an error means that the MySQL server only reads. */
export function isReadOnly(error: unknown): boolean {
  return readOnlyErrors.has((error as { errno?: number } | null)?.errno ?? 0);
}

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
  if (isProblem(error, 'unavailable')) return true;
  const { code, errno, sqlState, $metadata } = error as {
    code?: unknown;
    errno?: number;
    sqlState?: string;
    $metadata?: { httpStatusCode?: number };
  };
  if (typeof code === 'string' && outageCodes.has(code)) return true;
  if (sqlState !== undefined && mysqlOutages.has(errno ?? 0)) return true;
  // AWS has many error names for its own failures; all have a 5xx status.
  if (($metadata?.httpStatusCode ?? 0) >= 500) return true;
  if (outageNames.has(error.name)) return true;
  if (outageMessages.some((message) => error.message.includes(message))) return true;
  if (error instanceof AggregateError) return error.errors.some(isOutage);
  return error.cause !== undefined && error.cause !== error && isOutage(error.cause);
}
