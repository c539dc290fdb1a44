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

const positionProcessesMax = 8;

/**
 * The settings from environment variables; all have defaults.
 *
 * @throws StackError that names the variable with an invalid value.
 */
export function settingsFrom(env: NodeJS.ProcessEnv): Settings {
  const settings = {
    gatewayPort: portFrom(env, 'GATEWAY_PORT', 8080),
    mailPort: portFrom(env, 'MAIL_PORT', 8025),
    dataDir: dataDirFrom(env),
    host: env.HOST || '127.0.0.1',
    positionProcesses: positionProcessesFrom(env),
  };
  if (settings.gatewayPort === settings.mailPort) {
    throw new StackError(`GATEWAY_PORT and MAIL_PORT are both ${settings.gatewayPort}`);
  }
  return settings;
}

export function dataDirFrom(env: NodeJS.ProcessEnv): string {
  return resolve(env.DATA_DIR || '.data');
}

function portFrom(env: NodeJS.ProcessEnv, variable: string, defaultPort: number): number {
  const port = Number(env[variable] || defaultPort);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new StackError(`${variable} must be a port number from 1 to 65535`);
  }
  return port;
}

function positionProcessesFrom(env: NodeJS.ProcessEnv): number {
  const count = Number(env.POSITION_PROCESSES || 1);
  if (!Number.isInteger(count) || count < 1 || count > positionProcessesMax) {
    throw new StackError(`POSITION_PROCESSES must be a number from 1 to ${positionProcessesMax}`);
  }
  return count;
}
