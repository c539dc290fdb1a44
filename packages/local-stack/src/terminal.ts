import { StackError } from './stack-error.ts';

/** Says something to the person at the terminal; standard output is for results. */
export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** One Ctrl-C arrives several times: from the terminal, from npm and from bootstrap.mjs. */
const sameSignalMs = 1_000;

/**
 * Runs a program that holds other processes, with an orderly end for every way of being told to
 * stop: Ctrl-C, SIGTERM, SIGHUP, and the end of bootstrap.mjs, even by SIGKILL. A second signal, at
 * least a second later, ends it at once; the lifelines then end what it held.
 *
 * A StackError becomes one line and exit code 1.
 *
 * @param program gets a promise that settles, and a signal that aborts, when it is told to stop.
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
  // bootstrap.mjs holds a channel to this process; it closes when bootstrap ends, however it ends.
  process.once('disconnect', onSignal);
  process.channel?.unref();
  // Whoever read our output may go away first (npm killed, a closed pipe); that stops nothing.
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
