import { spawnSync } from 'node:child_process';
import { StackError } from '../stack-error.ts';
import { requireProgram } from './system-packages.ts';

/** The shift in libfaketime's notation, such as `-1d`, or a file that holds it and may change at any time. */
type Shift =
  | { FAKETIME: string; FAKETIME_NO_CACHE: '1' }
  | { FAKETIME_TIMESTAMP_FILE: string; FAKETIME_CACHE_DURATION: '1' };

/** A file is read once a second. */
export function shiftInFile(path: string): Shift {
  return { FAKETIME_TIMESTAMP_FILE: path, FAKETIME_CACHE_DURATION: '1' };
}

/** The same shift for the whole life of a process. */
export function shiftBy(offset: string): Shift {
  return { FAKETIME: offset, FAKETIME_NO_CACHE: '1' };
}

/**
 * Variables with which a program and its children see another date and time. Durations stay real. Needs the program
 * `faketime`; Linux only.
 *
 * @param expectedMs the shift; checked with a process of Node.
 * @throws StackError when libfaketime does not work.
 */
export function shiftedClock(
  env: NodeJS.ProcessEnv,
  shift: Shift,
  expectedMs: number,
): NodeJS.ProcessEnv {
  const wrapper = requireProgram('faketime', env);
  const preload = spawnSync(wrapper, ['-m', '-f', '+0s', 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  }).stdout.trim();
  const variables = {
    // libc right after it: redis-server's allocator reads the clock before libfaketime is ready.
    LD_PRELOAD: [...preload.split(/[: ]/), libcPath()].join(':'),
    ...shift,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // With the fix, Java's timed waits return at once and Java spins.
    FAKETIME_FORCE_MONOTONIC_FIX: '0',
  };
  const shifted = spawnSync(process.execPath, ['-p', 'Date.now()'], {
    env: { ...env, ...variables },
    encoding: 'utf8',
  });
  const secondsOff = (Number(shifted.stdout) - Date.now() - expectedMs) / 1_000;
  // Starting the process takes a moment.
  if (!(Math.abs(secondsOff) < 10)) {
    throw new StackError(`libfaketime does not shift the clock: ${shifted.stderr.trim()}`);
  }
  return variables;
}

function libcPath(): string {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  const path = sharedObjects.find((object) => /\/libc\.so/.test(object));
  if (path === undefined) throw new StackError('shifting the clock needs the GNU C library');
  return path;
}
