import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const folderIn = (dataDir: string) => join(dataDir, 'processes');

/**
 * A folder with one file for each store and service that runs, holding the id of its process group,
 * for whoever wants to send it a signal.
 *
 * @returns a function that notes under which group a program runs now.
 */
export function noteProcesses(dataDir: string): (name: string, group: number) => void {
  const folder = folderIn(dataDir);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  return (name, group) => writeFileSync(join(folder, name), String(group));
}

/** The process group a program ran under when it was last started, or undefined. */
export function notedProcess(dataDir: string, name: string): number | undefined {
  try {
    return Number(readFileSync(join(folderIn(dataDir), name), 'utf8'));
  } catch {
    return undefined;
  }
}
