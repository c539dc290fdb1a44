import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StackError } from './stack-error.ts';

/**
 * Claims a data folder for this process.
 *
 * @returns a function that gives it free again.
 * @throws StackError when another living process has it. One left by a dead process does not count.
 */
export function lockDataDir(dataDir: string): () => void {
  const path = lockFile(dataDir);
  const own = `${path}.${process.pid}`;
  writeFileSync(own, `${process.pid} ${startOf(process.pid)}`, { mode: 0o600 });
  try {
    for (;;) {
      try {
        // Unlike creating a file and then writing into it, a link appears with its content.
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
      discard(path, holder);
    }
  } finally {
    rmSync(own, { force: true });
  }
}

/** The process that has claimed a data folder, or undefined when none that lives has. */
export function lockHolder(dataDir: string): number | undefined {
  const holder = readLock(lockFile(dataDir));
  return holder !== undefined && isAlive(holder) ? Number(holder.split(' ')[0]) : undefined;
}

function lockFile(dataDir: string): string {
  return join(dataDir, 'lock');
}

/** Takes a dead process's lock away, unless somebody else did so first and holds it now. */
function discard(path: string, holder: string | undefined): void {
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
  // The same number may have been given to another process since.
  return startOf(Number(pid)) === start;
}

/** When a process started, in clock ticks since the machine did; '-' where there is no /proc. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-';
  } catch {
    return '-';
  }
}
