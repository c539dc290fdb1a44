import { type Logger, type LoggerOptions, pino } from 'pino';

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

/** JSON logs on stdout, one line an entry, named after the service. */
export function createLogger(options: { name: string; level: string }): Logger {
  const settings: LoggerOptions = {
    name: options.name,
    level: options.level,
    base: { name: options.name },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorForLog },
    redact: {
      paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  };
  return pino(settings);
}

export type { Logger };
