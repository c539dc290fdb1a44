import { closeSync, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, isPortFree, requirePort } from '../processes/free-port.ts';
import type { Command } from '../processes/guarded-process.ts';
import {
  describeExit,
  type SupervisedProcess,
  supervise,
} from '../processes/supervised-process.ts';

export interface StoreContext {
  /** Absolute path of the folder with the data of all stores. */
  dataDir: string;
  env: NodeJS.ProcessEnv;
  log(line: string): void;
  /** Called with the process group of each run of each store. */
  onRun(name: string, group: number): void;
  /** Aborts the start. */
  signal: AbortSignal;
}

export interface StoreSpec {
  name: string;
  /** Number of loopback ports besides the fixed one. */
  freePorts: number;
  /** A port that the user configured, and its variable. */
  fixedPort?: { port: number; variable: string };
  /** Ports: the free ones, then the fixed one. */
  command(ports: number[]): Command;
  /** Throws or returns false while the store is not ready. */
  isReady(ports: number[], signal: AbortSignal): Promise<boolean>;
  /** The variables with its addresses. */
  environment(ports: number[]): Record<string, string>;
  /** Matches log lines that tell why it could not start; the first one is shown. */
  complaint: RegExp;
  readyWithinMs: number;
  /** Time to write its data to disk when stopped. */
  stopWithinMs: number;
}

export interface StartedStore {
  /** One process, or one per node of a cluster. */
  processes: SupervisedProcess[];
  environment: Record<string, string>;
}

/** Another process may take a free port before the store listens on it. */
const portAttempts = 5;

/**
 * Runs a backing store on its own loopback ports and waits until it is ready. Its output goes to `logs/<name>.log`; the
 * previous run's is in `<name>.log.1`.
 *
 * @throws StackError that says in one line why it could not start.
 */
export async function runStore(context: StoreContext, spec: StoreSpec): Promise<StartedStore> {
  const { fixedPort } = spec;
  if (fixedPort) await requirePort(fixedPort.port, fixedPort.variable);
  const logPath = storeLog(context.dataDir, spec.name);
  if (existsSync(logPath)) renameSync(logPath, `${logPath}.1`);
  for (let attempt = 1; ; attempt++) {
    const ports: number[] = [];
    for (let i = 0; i < spec.freePorts; i++) ports.push(await freePort());
    if (fixedPort) ports.push(fixedPort.port);
    const log = openSync(logPath, 'a', 0o600);
    try {
      const process = await supervise(
        {
          name: spec.name,
          command: spec.command(ports),
          output: log,
          isReady: (signal) => spec.isReady(ports, signal),
          readyWithinMs: spec.readyWithinMs,
          stopWithinMs: spec.stopWithinMs,
          onRun: (group) => context.onRun(spec.name, group),
          lastAnswer: () => firstComplaint(logPath, spec.complaint),
          explain: (exit) =>
            `${spec.name} could not start (${firstComplaint(logPath, spec.complaint) ?? describeExit(exit)}); its log: ${logPath}`,
        },
        context.log,
        context.signal,
      );
      return { processes: [process], environment: spec.environment(ports) };
    } catch (error) {
      closeSync(log);
      const free = await Promise.all(ports.map((port) => isPortFree(port)));
      if (attempt === portAttempts || context.signal.aborted || free.every(Boolean)) throw error;
    }
  }
}

export function storeLog(dataDir: string, name: string): string {
  const folder = join(dataDir, 'logs');
  mkdirSync(folder, { recursive: true });
  return join(folder, `${name}.log`);
}

/** The first matching line of a log, shortened for the terminal. */
export function firstComplaint(logPath: string, complaint: RegExp): string | undefined {
  const line = readFileSync(logPath, 'utf8')
    .split('\n')
    .find((candidate) => complaint.test(candidate));
  return line === undefined ? undefined : line.trim().slice(0, 200);
}
