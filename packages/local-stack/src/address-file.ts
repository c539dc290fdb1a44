import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileDurably } from './write-file.ts';

/*
 * The environment in which programs find the stores of the system that runs on a data folder, in a file
 * that only the present user may read: it holds the database's password.
 */

const fileIn = (dataDir: string) => join(dataDir, 'addresses.json');

export function noteAddresses(dataDir: string, env: Record<string, string>): void {
  writeFileDurably(fileIn(dataDir), `${JSON.stringify(env, null, 2)}\n`);
}

export function forgetAddresses(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true });
}

/** What was noted last, or undefined. Whether it still runs is for the data folder's lock to say. */
export function notedAddresses(dataDir: string): Record<string, string> | undefined {
  try {
    return JSON.parse(readFileSync(fileIn(dataDir), 'utf8')) as Record<string, string>;
  } catch {
    return undefined;
  }
}
