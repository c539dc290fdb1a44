import { resolve } from 'node:path';
import { StackError } from './stack-error.ts';

export interface Settings {
  gatewayPort: number;
  mailPort: number;
  /** Absolute path. */
  dataDir: string;
  /** Address the gateway listens on. */
  host: string;
  /** Number of processes of the position service. */
  positionProcesses: number;
}

const processes = { byDefault: 1, max: 8, what: 'number' };

/**
 * The settings from environment variables; all have defaults.
 *
 * @throws StackError that names the variable with an invalid value.
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const port = (variable: string, byDefault: number) =>
    integerFrom(env, variable, { byDefault, max: 65_535, what: 'port number' });
  const settings = {
    gatewayPort: port('GATEWAY_PORT', 8080),
    mailPort: port('MAIL_PORT', 8025),
    dataDir: dataDirFrom(env),
    host: env.HOST || '127.0.0.1',
    positionProcesses: integerFrom(env, 'POSITION_PROCESSES', processes),
  };
  if (settings.gatewayPort === settings.mailPort) {
    throw new StackError(`GATEWAY_PORT and MAIL_PORT are both ${settings.gatewayPort}`);
  }
  return settings;
}

export function dataDirFrom(env: NodeJS.ProcessEnv): string {
  return resolve(env.DATA_DIR || '.data');
}

function integerFrom(
  env: NodeJS.ProcessEnv,
  variable: string,
  { byDefault, max, what }: { byDefault: number; max: number; what: string },
): number {
  const value = Number(env[variable] || byDefault);
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw new StackError(`${variable} must be a ${what} from 1 to ${max}`);
  }
  return value;
}
