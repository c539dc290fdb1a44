import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lockHolder } from './data-dir-lock.ts';
import { writePrivateFile } from './private-file.ts';

/*
 * How commands find the system that runs on a data folder:
 *
 *   addresses.json   the environment with the addresses of the stores; private, since it holds the database password
 *   processes/NAME   the id of the process group of each store and service
 */

const addressesIn = (dataDir: string) => join(dataDir, 'addresses.json');
const processesIn = (dataDir: string) => join(dataDir, 'processes');

export function recordAddresses(dataDir: string, env: Record<string, string>): void {
  writePrivateFile(addressesIn(dataDir), `${JSON.stringify(env, null, 2)}\n`);
}

export function removeAddresses(dataDir: string): void {
  rmSync(addressesIn(dataDir), { force: true });
}

/** The environment of the running system's stores; undefined when none is running. */
export function readAddresses(dataDir: string): Record<string, string> | undefined {
  if (lockHolder(dataDir) === undefined) return undefined;
  try {
    return JSON.parse(readFileSync(addressesIn(dataDir), 'utf8')) as Record<string, string>;
  } catch {
    return undefined;
  }
}

/** Clears the recorded process groups, and returns a function that records the group of a program. */
export function recordProcesses(dataDir: string): (name: string, group: number) => void {
  const folder = processesIn(dataDir);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return (name, group) => writeFileSync(join(folder, name), String(group));
}

/** The process group of a program's last start, or undefined. */
export function readProcess(dataDir: string, name: string): number | undefined {
  try {
    return Number(readFileSync(join(processesIn(dataDir), name), 'utf8'));
  } catch {
    return undefined;
  }
}
