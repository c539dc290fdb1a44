import { type ParseArgsConfig, parseArgs } from 'node:util';
import { StackError } from './stack-error.ts';

/** Prints a line to standard error; standard output is for results. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/**
 * `parseArgs` for commands.
 *
 * @throws StackError that says in one line which option is wrong.
 */
export function parseOptions<const T extends ParseArgsConfig>(config: T) {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new StackError(`${(error as Error).message.split('\n')[0]} See --help.`);
  }
}

/** The lines of a table: the first column aligned left, the others as `align` says. */
export function tableLines(
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string[] {
  const pad = align === 'left' ? 'padEnd' : 'padStart';
  const widths = rows[0]?.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, at) => cell[at === 0 ? 'padEnd' : pad](widths?.[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** One Ctrl-C arrives several times: from the terminal, from npm and from bootstrap.mjs. */
const sameSignalMs = 1_000;

/**
 * Runs a program that has child processes, and shuts it down in an orderly way after Ctrl-C, SIGTERM, SIGHUP and
 * the exit of bootstrap.mjs, even by SIGKILL. A second signal, at least a second later, exits at once; the guards of
 * the child processes then end those.
 *
 * A StackError becomes one line and exit code 1.
 *
 * @param program gets a promise that resolves, and a signal that aborts, on the first signal.
 */
export async function runUntilStopped(
  program: (stopping: Promise<void>, signal: AbortSignal) => Promise<number | undefined>,
): Promise<never> {
  const controller = new AbortController();
  const { promise: stopping, resolve: stop } = Promise.withResolvers<void>();
  let firstAt: number | undefined;
  const onSignal = () => {
    const now = Date.now();
    if (firstAt === undefined) {
      firstAt = now;
      controller.abort();
      stop();
    } else if (now - firstAt > sameSignalMs) {
      process.exit(130);
    }
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal);
  // The channel to bootstrap.mjs closes when bootstrap exits, however it exits.
  process.once('disconnect', onSignal);
  process.channel?.unref();
  // The reader of our output may exit first (npm killed, a closed pipe); that must not stop anything.
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});

  let code: number;
  try {
    code = (await program(stopping, controller.signal)) ?? 0;
  } catch (error) {
    if (controller.signal.aborted) {
      code = 130;
    } else if (error instanceof StackError) {
      say(error.message);
      code = 1;
    } else {
      console.error(error);
      code = 1;
    }
  }
  process.exit(code);
}
