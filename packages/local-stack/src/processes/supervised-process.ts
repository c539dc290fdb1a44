import { setTimeout as sleep } from 'node:timers/promises';
import { StackError } from '../stack-error.ts';
import { type Command, type Exit, type GuardedProcess, startGuarded } from './guarded-process.ts';

export interface ProcessSpec {
  name: string;
  command: Command;
  /** Where its output goes: see startGuarded. */
  output: number | ((line: string) => void);
  /** Asks the process itself whether it is ready; may throw while it is not. */
  isReady(signal: AbortSignal): Promise<boolean>;
  readyWithinMs: number;
  /** How long an orderly end may take before it is killed. */
  stopWithinMs: number;
  /** One line for the person at the terminal: why it ended before it was ready. */
  explain(exit: Exit): string;
  /** What it last said when it was asked and was not ready, if it says such things. */
  lastAnswer?(): string | undefined;
  /** Told of the process group of each run. */
  onRun?(group: number): void;
}

export interface SupervisedProcess {
  name: string;
  /** The process group that is running now; undefined between two runs. */
  group(): number | undefined;
  /** Sends a signal to the running group; the supervisor restarts it when it ends of that. */
  kill(signal: NodeJS.Signals): void;
  /** Ends it in an orderly way, starts it again and waits until it is ready. */
  restart(): Promise<void>;
  /** Ends it for good. Never rejects. */
  stop(): Promise<void>;
}

const askEveryMs = 50;
const firstRestartDelayMs = 200;
const longestRestartDelayMs = 5_000;
/** A process that lived this long was well: its next restart does not wait for the ones before. */
const wellAfterMs = 30_000;

/**
 * Starts a process, waits until it answers, and from then on starts it again whenever it ends:
 * at once when it ended in an orderly way (a person sent SIGTERM), otherwise after a delay that
 * grows from 0.2 to 5 seconds.
 *
 * @param log takes one line each time it had to be started again.
 * @param signal ends the wait for its being ready; after that, that it is no longer started again.
 * @throws StackError when it ends before it is ready, or is not ready in time.
 */
export async function supervise(
  spec: ProcessSpec,
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<SupervisedProcess> {
  let current: GuardedProcess | undefined;
  const stopping = new AbortController();
  const stopped = signal ? AbortSignal.any([stopping.signal, signal]) : stopping.signal;
  /** Set while restart() replaces the process, so that its end is not taken for a crash. */
  let replacing = false;
  let delayMs = firstRestartDelayMs;
  /** The watch over the present run, and over those that follow it. */
  let watching: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    const process = startGuarded(spec.command, spec.output);
    current = process;
    spec.onRun?.(process.group);
    try {
      await untilReady(spec, process, stopped);
    } catch (error) {
      await process.stop(spec.stopWithinMs);
      current = undefined;
      throw error;
    }
    watching = watch(process, Date.now());
  }

  async function watch(process: GuardedProcess, since: number): Promise<void> {
    const exit = await process.exited;
    current = undefined;
    if (stopped.aborted || replacing) return;
    const lived = Date.now() - since;
    const orderly = exit.code === 0 || exit.signal === 'SIGTERM';
    if (lived > wellAfterMs || (orderly && lived > 1_000)) delayMs = firstRestartDelayMs;
    let waitMs = orderly && lived > 1_000 ? 0 : delayMs;
    let reason = `${spec.name} ended (${describeExit(exit)})`;
    while (!stopped.aborted) {
      log(`${reason}; starting it again${waitMs > 0 ? ` in ${waitMs / 1000} s` : ''}`);
      try {
        await sleep(waitMs, undefined, { signal: stopped });
        await run();
        log(`${spec.name} is back`);
        return;
      } catch (error) {
        if (stopped.aborted) return;
        reason = error instanceof Error ? error.message : String(error);
        delayMs = Math.min(delayMs * 2, longestRestartDelayMs);
        waitMs = delayMs;
      }
    }
  }

  await run();
  return {
    name: spec.name,
    group: () => current?.group,
    kill: (signal) => current?.kill(signal),
    async restart() {
      replacing = true;
      try {
        await current?.stop(spec.stopWithinMs);
        await watching;
        await run();
      } finally {
        replacing = false;
      }
    },
    async stop() {
      stopping.abort();
      await current?.stop(spec.stopWithinMs);
      await watching.catch(() => {});
      // The watch may have been starting a new run when the stop came.
      await current?.stop(spec.stopWithinMs);
    },
  };
}

async function untilReady(
  spec: ProcessSpec,
  process: GuardedProcess,
  stopped: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + spec.readyWithinMs;
  let exit: Exit | undefined;
  const ended = new AbortController();
  void process.exited.then(
    (value) => {
      exit = value;
      ended.abort();
    },
    () => ended.abort(),
  );
  while (exit === undefined) {
    if (stopped.aborted) throw new StackError(`${spec.name} was stopped while it was starting`);
    if (Date.now() > deadline) {
      const said = spec.lastAnswer?.();
      throw new StackError(
        `${spec.name} was not ready within ${spec.readyWithinMs / 1000} s${said ? `: ${said}` : ''}`,
      );
    }
    try {
      const signal = AbortSignal.any([ended.signal, stopped, AbortSignal.timeout(2_000)]);
      if (await spec.isReady(signal)) return;
    } catch {
      // Not listening yet; whether that lasts too long is for the deadline to say.
    }
    await sleep(askEveryMs, undefined, { signal: ended.signal }).catch(() => {});
  }
  throw new StackError(spec.explain(exit));
}

export function describeExit(exit: Exit): string {
  return exit.signal ? `killed by ${exit.signal}` : `exit code ${exit.code}`;
}
