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
  /** Null when a signal ended it. */
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface GuardedProcess {
  /** Id of the process group that holds the command, its guard and its children. */
  group: number;
  /** Settles when the command has exited and its group is empty. */
  exited: Promise<Exit>;
  /** Sends a signal to the whole group; does nothing when it has exited. */
  kill(signal: NodeJS.Signals): void;
  /** SIGTERM, then SIGKILL when the command has not exited after `graceMs`. */
  stop(graceMs: number): Promise<Exit>;
}

/**
 * Starts a command in its own session, tied to this process by a pipe: however this process exits, the whole group
 * of the command is killed (see guard.sh). Signals of the terminal do not reach the command.
 *
 * @param output a file descriptor for its output, 'inherit' for the outputs of this process, or a function called
 *   for each line.
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
  // The pipe breaks while both ends close; nothing is ever read from it.
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

/** Waits until a killed group is empty; the kernel needs a moment. */
async function untilGone(group: number): Promise<void> {
  while (hasProcesses(group)) await sleep(2);
}

function hasProcesses(group: number): boolean {
  // A zombie that nobody reaps (a container without an init) still counts as a member for the kernel.
  if (existsSync('/proc/self/stat')) return processesOf(group).length > 0;
  try {
    process.kill(-group, 0);
    return true;
  } catch {
    return false;
  }
}

/** A shell reports a child killed by signal n as status 128 + n. */
function exitOf(code: number | null, signal: NodeJS.Signals | null): Exit {
  if (code === null || code <= 128) return { code, signal };
  for (const [name, number] of Object.entries(constants.signals)) {
    if (number === code - 128) return { code: null, signal: name as NodeJS.Signals };
  }
  return { code, signal };
}

function eachLine(stream: Readable, take: (line: string) => void): void {
  let pending = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) take(line);
  });
  stream.on('end', () => {
    if (pending !== '') take(pending);
  });
}

/** Ids of the running processes of a group, from /proc; empty on systems without it (macOS). */
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
      // After the command's name, which may contain spaces: state, parent, group.
      const [state, , processGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (Number(processGroup) === group && state !== 'Z') members.push(Number(entry));
    } catch {
      // It exited after it was listed.
    }
  }
  return members;
}
