import { setTimeout as delay } from 'node:timers/promises';
import { StackError } from '../stack-error.ts';
import { type Command, type Exit, type GuardedProcess, startGuarded } from './guarded-process.ts';

interface ProcessSpec {
  name: string;
  command: Command;
  /** See startGuarded. */
  output: number | ((line: string) => void);
  /** Checks whether the process is ready; may throw while it is not. */
  isReady(signal: AbortSignal): Promise<boolean>;
  readyWithinMs: number;
  /** Time for an orderly exit before it is killed. */
  stopWithinMs: number;
  /** One line for the user: why it exited before it was ready. */
  explain(exit: Exit): string;
  /** The reason of its last negative readiness answer, if it gives one. */
  lastAnswer?(): string | undefined;
  /** Called with the process group of each run. */
  onRun?(group: number): void;
}

export interface SupervisedProcess {
  name: string;
  /** The running process group; undefined between two runs. */
  group(): number | undefined;
  /** Sends a signal to the running group; the supervisor restarts it when it exits. */
  kill(signal: NodeJS.Signals): void;
  /** Stops it in an orderly way, starts it again and waits until it is ready. */
  restart(): Promise<void>;
  /** Stops it for good. Never rejects. */
  stop(): Promise<void>;
}

const readinessPollMs = 50;
const restartDelayMs = { first: 200, max: 5_000 };
/** A process that ran this long counts as healthy: the delay of its next restart starts over. */
const healthyAfterMs = 30_000;

/**
 * Starts a process, waits until it is ready, and restarts it whenever it exits: at once after an orderly exit (someone
 * sent SIGTERM), otherwise after a delay that grows from 0.2 to 5 seconds.
 *
 * @param log takes one line for each restart.
 * @param signal aborts the start, and later stops further restarts.
 * @throws StackError when it exits before it is ready, or is not ready in time.
 */
export async function supervise(
  spec: ProcessSpec,
  log: (line: string) => void,
  signal?: AbortSignal,
): Promise<SupervisedProcess> {
  let current: GuardedProcess | undefined;
  const stopping = new AbortController();
  const stopped = signal ? AbortSignal.any([stopping.signal, signal]) : stopping.signal;
  /** True while restart() replaces the process, whose exit is then not a crash. */
  let replacing = false;
  let delayMs = restartDelayMs.first;
  /** The watch over the current run and the restarts that follow it. */
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
    const ranMs = Date.now() - since;
    const orderly = exit.code === 0 || exit.signal === 'SIGTERM';
    if (ranMs > healthyAfterMs || (orderly && ranMs > 1_000)) delayMs = restartDelayMs.first;
    let waitMs = orderly && ranMs > 1_000 ? 0 : delayMs;
    let reason = `${spec.name} exited (${describeExit(exit)})`;
    while (!stopped.aborted) {
      log(`${reason}; restarting${waitMs > 0 ? ` in ${waitMs / 1000} s` : ''}`);
      try {
        await delay(waitMs, undefined, { signal: stopped });
        await run();
        log(`${spec.name} is back`);
        return;
      } catch (error) {
        if (stopped.aborted) return;
        reason = error instanceof Error ? error.message : String(error);
        delayMs = Math.min(delayMs * 2, restartDelayMs.max);
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
      // The watch may have started a new run meanwhile.
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
      const reason = spec.lastAnswer?.();
      throw new StackError(
        `${spec.name} was not ready within ${spec.readyWithinMs / 1000} s${reason ? `: ${reason}` : ''}`,
      );
    }
    try {
      const signal = AbortSignal.any([ended.signal, stopped, AbortSignal.timeout(2_000)]);
      if (await spec.isReady(signal)) return;
    } catch {
      // Not listening yet; the deadline above limits how long.
    }
    await delay(readinessPollMs, undefined, { signal: ended.signal }).catch(() => {});
  }
  throw new StackError(spec.explain(exit));
}

export function describeExit(exit: Exit): string {
  return exit.signal ? `killed by ${exit.signal}` : `exit code ${exit.code}`;
}
