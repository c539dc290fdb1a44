/**
 * `npm run test:dates [-- FILE_OR_PATTERN...]`: runs `npm test` on other dates, for Node and the stores alike. It takes
 * as long as one `npm test` per date, so it is not part of that. Linux only, with libfaketime.
 */
import { fileURLToPath } from 'node:url';
import { dayMs } from '@queue-manager/service-kit/durations';
import { startGuarded } from '../processes/guarded-process.ts';
import { repositoryRoot } from '../repository.ts';
import { StackError } from '../stack-error.ts';
import { shiftBy, shiftedClock } from '../stores/shifted-clock.ts';
import { ensurePrograms } from '../stores/system-packages.ts';
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
    const shiftMs = Number.parseInt(offset, 10) * dayMs;
    const env = { ...process.env, ...shiftedClock(process.env, shiftBy(offset), shiftMs) };
    say(`the date is shifted by ${offset} to ${new Date(Date.now() + shiftMs).toISOString()}`);
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
