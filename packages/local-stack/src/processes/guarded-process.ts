import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const guard = fileURLToPath(new URL('guard.sh', import.meta.url));

export interface Command {
  file: string;
  args: string[];
  env?: NodeJS.ProcessEnv;
  cwd?: string;
}

export interface Exit {
  /** null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  /** Id of the process group that holds the command, its guard and its children. */
  group: number;
  /** Settles when the command has ended and nothing of its group is left. */
  exited: Promise<Exit>;
  /** Sends a signal to the whole group; does nothing when it is gone. */
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL when the command has not ended after `graceMs`. */
  stop(graceMs: number): Promise<Exit>;
}

/**
 * Starts a command in a session of its own, tied to this process by a pipe: when this process ends,
 * in whatever way, the whole group of the command is killed (see guard.sh). Signals of the terminal
 * do not reach it.
 *
 * @param output a file descriptor that takes its output, 'inherit' for this process's own outputs, or a
 *   function called for each line.
 */
export function startGuarded(
  command: Command,
  output: number | 'inherit' | ((line: string) => void),
): GuardedProcess {
  const sink = typeof output === 'function' ? 'pipe' : output;
  const child = spawn('/bin/sh', [guard, command.file, ...command.args], {
    cwd: command.cwd,
    env: command.env ?? process.env,
    detached: true,
    stdio: ['ignore', sink, sink, 'pipe'],
  });
  if (child.pid === undefined) throw new Error(`cannot start ${command.file}: no process`);
  const group = child.pid;
  // The lifeline breaks while both ends go away; nothing is ever read from it.
  child.stdio[3]?.on('error', () => {});
  if (typeof output === 'function') {
    for (const stream of [child.stdout, child.stderr]) if (stream) eachLine(stream, output);
  }

  let ended = false;
  const kill = (signal: NodeJS.Signals) => {
    if (ended) return;
    try {
      process.kill(-group, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const exited = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', async (code, signal) => {
      kill('SIGKILL');
      ended = true;
      await untilGone(group);
      child.stdio[3]?.destroy();
      resolve(exitOf(code, signal));
    });
  });
  return {
    group,
    exited,
    kill,
    async stop(graceMs) {
      kill('SIGTERM');
      const timer = setTimeout(() => kill('SIGKILL'), graceMs);
      try {
        return await exited;
      } finally {
        clearTimeout(timer);
      }
    },
  };
}

/** Waits until a killed group is empty, which takes the kernel a moment. */
async function untilGone(group: number): Promise<void> {
  while (hasProcesses(group)) await sleep(2);
}

function hasProcesses(group: number): boolean {
  // A dead process that nobody collects (a container without an init) still counts as a member for
  // the kernel.
  if (existsSync('/proc/self/stat')) return processesOf(group).length > 0;
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

/** A shell reports the death of its child by signal n as status 128 + n. */
function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (code === null || code <= 128) return { code, signal };
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === code - 128) return { code: null, signal: name as NodeJS.Signals };
  }
  return { code, signal };
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (rest !== '') take(rest);
  });
}

/**
 * Ids of the living processes of a group, read from /proc; empty where there is none (macOS).
 */
export function processesOf(group: number): number[] {
  const members: number[] = [];
  let entries: string[];
  try {
    entries = readdirSync('/proc');
  } catch {
    return members;
  }
  for (const entry of entries) {
    if (!/^\d+$/.test(entry)) continue;
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8');
      // After the command's name, which may hold spaces: state, parent, group.
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(processGroup) === group && state !== 'Z') members.push(Number(entry));
    } catch {
      // It ended between being listed and being read.
    }
  }
  return members;
}
