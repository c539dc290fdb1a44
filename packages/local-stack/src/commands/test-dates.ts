/**
 * `npm run test:dates [-- FILE_OR_PATTERN...]`: runs `npm test` on other dates, for Node and the stores alike. It takes
 * as long as one `npm test` per date, so it is not part of that. Linux only, with libfaketime.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { startGuarded } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';
import { StackError } from '../stack-error.ts';
import { ensurePrograms, requireProgram } from '../stores/system-packages.ts';
import { runUntilStopped, say } from '../terminal.ts';

/** In libfaketime's notation: a day back, and a month, half a year and three years ahead. */
const offsets = ['-1d', '+30d', '+182d', '+1096d'];

const testScript = fileURLToPath(new URL('test.ts', import.meta.url));

await runUntilStopped(async (_stopping, stopped) => {
  if (process.platform !== 'linux') throw new StackError('test:dates runs on Linux only');
  await ensurePrograms(process.env, repositoryRoot, say, ['faketime']);
  const results: { offset: string; code: number | null }[] = [];
  for (const offset of offsets) {
    stopped.throwIfAborted();
    const env = shiftedEnv(offset);
    const args = [testScript, ...process.argv.slice(2)];
    const run = startGuarded({ file: process.execPath, args, cwd: repositoryRoot, env }, 'inherit');
    stopped.addEventListener('abort', () => void run.stop(10_000), { once: true });
    const { code } = await run.exited;
    results.push({ offset, code });
  }
  for (const { offset, code } of results) {
    say(`${code === 0 ? '✔' : '✖'} date ${offset}${code === 0 ? '' : ` (exit code ${code})`}`);
  }
  return results.every(({ code }) => code === 0) ? 0 : 1;
});

/**
 * An environment in which every program and its children see another date. Durations stay real.
 *
 * @throws StackError when libfaketime does not work.
 */
function shiftedEnv(offset: string): NodeJS.ProcessEnv {
  const wrapper = requireProgram('faketime', process.env);
  const preload = spawnSync(wrapper, ['-m', '-f', offset, 'printenv', 'LD_PRELOAD'], {
    encoding: 'utf8',
  }).stdout.trim();
  const env = {
    ...process.env,
    // libc right after it: redis-server's allocator reads the clock before libfaketime is ready.
    LD_PRELOAD: [...preload.split(/[: ]/), libcPath()].join(':'),
    FAKETIME: offset,
    FAKETIME_NO_CACHE: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    // With the fix, Java's timed waits return at once and Java spins.
    FAKETIME_FORCE_MONOTONIC_FIX: '0',
  };
  const shifted = spawnSync(process.execPath, ['-p', 'Date.now()'], { env, encoding: 'utf8' });
  const shiftedDays = Math.round((Number(shifted.stdout) - Date.now()) / 86_400_000);
  if (shiftedDays !== Number.parseInt(offset, 10)) {
    throw new StackError(
      `libfaketime does not shift the date by ${offset}: ${shifted.stderr.trim()}`,
    );
  }
  say(`the date is shifted by ${offset} to ${new Date(Number(shifted.stdout)).toISOString()}`);
  return env;
}

function libcPath(): string {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] };
  const path = sharedObjects.find((object) => /\/libc\.so/.test(object));
  if (path === undefined) throw new StackError('test:dates needs the GNU C library');
  return path;
}
