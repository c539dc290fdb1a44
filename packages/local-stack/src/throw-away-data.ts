import { existsSync, mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockHolder } from './data-dir-lock.ts';
import { removeDataDir } from './stores.ts';

/**
 * A data folder for one run, to be removed with `removeDataDir` at its end. Removes first what earlier
 * runs left that were killed before they could.
 *
 * @param prefix what the names of all such folders of one program begin with.
 */
export function makeThrowAwayDataDir(prefix: string): string {
  for (const name of readdirSync(tmpdir())) {
    const folder = join(tmpdir(), name);
    // A folder without a lock may belong to a run that is just beginning.
    if (!name.startsWith(prefix) || !existsSync(join(folder, 'lock'))) continue;
    if (lockHolder(folder) === undefined) removeDataDir(folder);
  }
  return mkdtempSync(join(tmpdir(), prefix));
}
