import {
  type Bindings,
  type ChildLoggerOptions,
  type DestinationStream,
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

/** A logger of one request; `bindings` hold its id as `requestId`. */
export function createRequestLogger(
  logger: Logger,
  bindings: Bindings,
  options: ChildLoggerOptions,
): Logger {
  return Object.assign(logger.child(bindings, options), { [namesRequest]: true });
}

export type { Logger };
