import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { lockHolder } from './data-dir-lock.ts';

/**
 * Creates a data folder for one run, to be removed with `removeDataDir`. First removes the folders of earlier runs
 * that were killed.
 *
 * @param prefix starts the names of all such folders of one program.
 */
export function makeTemporaryDataDir(prefix: string): string {
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    // A folder without a lock may belong to a run that has just started.
    if (!name.startsWith(prefix) || !existsSync(join(folder, 'lock'))) continue;
    if (lockHolder(folder) === undefined) removeDataDir(folder);
  }
  return mkdtempSync(join(tmpdir(), prefix));
}

/** Removes a data folder whose stores have stopped. */
export function removeDataDir(dataDir: string): void {
  rmSync(resolve(dataDir), { recursive: true, force: true, maxRetries: 5 });
}
