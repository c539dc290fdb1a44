import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from '../stack-error.ts';

/*
 * The lock is a file that names its process. proper-lockfile recognises a stale lock by its age, and would refuse a
 * start for seconds after a kill; here the lock of a dead process is taken over at once.
 */

/**
 * Locks a data folder for this process.
 *
 * @returns a function that releases the lock.
 * @throws StackError when another running process holds it.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = lockFile(dataDir);
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        // A link appears together with its content, unlike a file that is created and then written.
        linkSync(own, path);
        return () => rmSync(path, { force: true });
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = readLock(path);
      if (holder !== undefined && isAlive(holder)) {
        throw new StackError(
          `the data folder ${dataDir} is in use by process ${holder.split(' ')[0]}: stop that one, or set DATA_DIR to another folder`,
        );
      }
      removeStale(path, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** The running process that holds the lock of a data folder, or undefined. */
export function lockHolder(dataDir: string): number | undefined {
  const holder = readLock(lockFile(dataDir));
  return holder !== undefined && isAlive(holder) ? Number(holder.split(' ')[0]) : undefined;
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'lock');
}

/** Removes the lock of a dead process, but not one that another process has taken over meanwhile. */
function removeStale(path: string, holder: string | undefined): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
    if (readLock(aside) !== holder) linkSync(aside, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function readLock(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function isAlive(holder: string): boolean {
  const [pid = '', start = ''] = holder.split(' ');
  try {
    process.kill(Number(pid), 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  // The pid may have been reused since.
  return startOf(Number(pid)) === start;
}

/** When a process started, in clock ticks since boot; '-' where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
