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
  /** Absolute path of the folder all stores keep their data in. */
  dataDir: string;
  env: NodeJS.ProcessEnv;
  log(line: string): void;
  /** Told of the process group of each run of each store. */
  onRun(name: string, group: number): void;
  /** Aborts the start. */
  signal: AbortSignal;
}

export interface StoreSpec {
  name: string;
  /** How many loopback ports it listens on besides the fixed one. */
  freePorts: number;
  /** A port that a person chose, and the variable it was chosen by. */
  fixedPort?: { port: number; variable: string };
  /** Ports: the free ones, then the fixed one. */
  command(ports: number[]): Command;
  /** Asks the store itself; throws or returns false while it is not ready. */
  isReady(ports: number[], signal: AbortSignal): Promise<boolean>;
  /** The variables by which services find it. */
  environment(ports: number[]): Record<string, string>;
  /** Lines of its log that say why it could not start; the first of them is shown. */
  complaint: RegExp;
  readyWithinMs: number;
  /** How long it may take to write its data down when told to end. */
  stopWithinMs: number;
}

export interface StartedStore {
  /** One, or each node of a cluster. */
  processes: SupervisedProcess[];
  environment: Record<string, string>;
}

/** Between finding a free port and listening on it somebody else may take it. */
const portAttempts = 5;

/**
 * Runs a backing store on loopback ports of its own, its output in `logs/<name>.log` (that of the
 * run before in `<name>.log.1`), and waits until it answers.
 *
 * @throws StackError with one line that says why it could not start.
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

/** The first line of a log that matches, cut to what a terminal shows well. */
export function firstComplaint(logPath: string, complaint: RegExp): string | undefined {
  const line = readFileSync(logPath, 'utf8')
    .split('\n')
    .find((candidate) => complaint.test(candidate));
  return line === undefined ? undefined : line.trim().slice(0, 200);
}
