import { readdirSync, readFileSync } from 'node:fs';

/** Of the kernel's accounting of processor time: USER_HZ, which is 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
const starter = 'local-stack/src/bench.ts';
const names: [RegExp, string][] = [
  [/services\/(\w+)\/src\/main\.ts/, '$1'],
  [/mariadbd|mysqld/, 'MariaDB'],
  [/redis-server/, 'Redis'],
  [/sqs-server/, 'SQS'],
];

type Process = { pid: number; parent: number; command: string; seconds: number };

function readProcess(pid: number): Process[] {
  try {
    // Behind the command's name in parentheses: state, parent, …, utime and stime.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const ticks = Number(stat[11]) + Number(stat[12]);
    return [{ pid, parent: Number(stat[1]), command, seconds: ticks / ticksPerSecond }];
  } catch {
    // It ended meanwhile.
    return [];
  }
}

/** Seconds of a core that each service and store of the measured system has used, read from /proc; none elsewhere. */
export function cpuOfSystem(): Map<string, number> {
  const used = new Map<string, number>();
  if (process.platform !== 'linux') return used;
  const processes = readdirSync('/proc').flatMap((entry) =>
    /^\d+$/.test(entry) ? readProcess(Number(entry)) : [],
  );
  const byPid = new Map(processes.map((one) => [one.pid, one]));
  // What the same program started that started this one, but not this one and its load.
  const ancestors = (pid: number): number[] => {
    const one = byPid.get(pid);
    return one === undefined || one.pid === 1 ? [] : [pid, ...ancestors(one.parent)];
  };
  const root = ancestors(process.pid).find((pid) => byPid.get(pid)?.command.includes(starter));
  for (const { pid, command, seconds } of processes) {
    const line = ancestors(pid);
    if (root === undefined || !line.includes(root) || line.includes(process.pid)) continue;
    const [pattern, name] = names.find(([pattern]) => pattern.test(command)) ?? [];
    if (pattern === undefined || name === undefined) continue;
    const label = pattern.exec(command)?.[1] ?? name;
    used.set(label, (used.get(label) ?? 0) + seconds);
  }
  return used;
}
