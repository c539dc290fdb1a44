import {
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
  type Level,
  type Logger,
  type LoggerOptions,
  pino,
} from 'pino';
import { currentContext } from './request-context.ts';

/** Fields that never reach a log, wherever they stand. */
const secretFields = [
  'password',
  'currentPassword',
  'newPassword',
  'token',
  'accessToken',
  'refreshToken',
  'ticket',
  'email',
  'phone',
  'authorization',
  'cookie',
  'to',
];

/** An error as the log shows it: no fields of the error object, since drivers put statements and values there. */
function errorForLog(error: Error): Record<string, unknown> {
  const { code } = error as { code?: unknown };
  return {
    type: error.name,
    message: error.message,
    stack: error.stack,
    ...(typeof code === 'string' ? { code } : {}),
    ...(error.cause instanceof Error ? { cause: errorForLog(error.cause) } : {}),
  };
}

/** An object or an error and a message, or a message alone, with what goes into the message. */
type Line = Parameters<Logger['info']>;

/** Stands on a logger whose bindings name the request already. */
const namesRequest = Symbol('namesRequest');

/** JSON logs, one line an entry, named after the service and with the id of the request, if any. */
export function createLogger(options: {
  name: string;
  level: string;
  /** Stdout by default. */
  destination?: DestinationStream;
}): Logger {
  const settings: LoggerOptions = {
    name: options.name,
    level: options.level,
    base: { name: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorForLog },
    mixin: (_fields, _level, logger) =>
      namesRequest in logger ? {} : { requestId: currentContext()?.requestId },
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  };
  return options.destination === undefined ? pino(settings) : pino(settings, options.destination);
}

/**
 * A logger of one request; `bindings` hold its id as `requestId`. It is made when the first line is written:
 * most requests write none, and making it took 3 of the 64 µs that reading a position took.
 */
export function createRequestLogger(
  logger: Logger,
  bindings: Bindings,
  options: ChildLoggerOptions,
): RequestLogger {
  return new RequestLogger(logger, bindings, options);
}

/** What is asked of a request's logger, by us and by Fastify. */
class RequestLogger {
  readonly #parent: Logger;
  readonly #bindings: Bindings;
  readonly #options: ChildLoggerOptions;
  #made: Logger | undefined;

  constructor(parent: Logger, bindings: Bindings, options: ChildLoggerOptions) {
    this.#parent = parent;
    this.#bindings = bindings;
    this.#options = options;
  }

  #logger(): Logger {
    this.#made ??= Object.assign(this.#parent.child(this.#bindings, this.#options), {
      [namesRequest]: true,
    });
    return this.#made;
  }

  /** The same as a made logger would find: lines below its level write nothing. */
  #writes(level: Level): boolean {
    const { values } = this.#parent.levels;
    return (values[level] as number) >= (values[this.level] ?? Number.POSITIVE_INFINITY);
  }

  get level(): string {
    return this.#made?.level ?? this.#options.level ?? this.#parent.level;
  }

  set level(level: string) {
    this.#logger().level = level;
  }

  get msgPrefix(): string | undefined {
    return this.#logger().msgPrefix;
  }

  bindings(): Bindings {
    return this.#logger().bindings();
  }

  child(bindings: Bindings, options?: ChildLoggerOptions): Logger {
    return this.#logger().child(bindings, options);
  }

  silent(): void {}

  trace(...line: Line): void {
    if (this.#writes('trace')) this.#logger().trace(...line);
  }

  debug(...line: Line): void {
    if (this.#writes('debug')) this.#logger().debug(...line);
  }

  info(...line: Line): void {
    if (this.#writes('info')) this.#logger().info(...line);
  }

  warn(...line: Line): void {
    if (this.#writes('warn')) this.#logger().warn(...line);
  }

  error(...line: Line): void {
    if (this.#writes('error')) this.#logger().error(...line);
  }

  fatal(...line: Line): void {
    if (this.#writes('fatal')) this.#logger().fatal(...line);
  }
}

export type { Logger };
