import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ, the unit of processor time in /proc: 100 on every Linux that Node runs on. */
const ticksPerSecond = 100;
/** The program that starts the measured system and the benchmark. */
const starter = 'packages/bench/src/bench-cli.ts';
const names: [RegExp, string][] = [
  [/services\/(\w+)\/src\/main\.ts/, '$1'],
  [/mariadbd|mysqld/, 'MariaDB'],
  [/redis-server/, 'Redis'],
  [/sqs-server/, 'SQS'],
];

type Process = { pid: number; parent: number; command: string; seconds: number };

function readProcess(pid: number): Process[] {
  try {
    // After the command's name in parentheses: state, parent, …, utime and stime.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
    const ticks = Number(stat[11]) + Number(stat[12]);
    return [{ pid, parent: Number(stat[1]), command, seconds: ticks / ticksPerSecond }];
  } catch {
    // It has ended.
    return [];
  }
}

/** CPU seconds that each service and store of the measured system has used so far; empty where there is no /proc. */
export function cpuOfSystem(): Map<string, number> {
  const used = new Map<string, number>();
  if (process.platform !== 'linux') return used;
  const processes = readdirSync('/proc').flatMap((entry) =>
    /^\d+$/.test(entry) ? readProcess(Number(entry)) : [],
  );
  const byPid = new Map(processes.map((one) => [one.pid, one]));
  const withAncestors = (pid: number): number[] => {
    const one = byPid.get(pid);
    return one === undefined || one.pid === 1 ? [] : [pid, ...withAncestors(one.parent)];
  };
  const root = withAncestors(process.pid).find((pid) => byPid.get(pid)?.command.includes(starter));
  for (const { pid, command, seconds } of processes) {
    const lineage = withAncestors(pid);
    // Not this process and the load that it started.
    if (root === undefined || !lineage.includes(root) || lineage.includes(process.pid)) continue;
    const [pattern, name = ''] = names.find(([pattern]) => pattern.test(command)) ?? [];
    if (pattern === undefined) continue;
    const label = pattern.exec(command)?.[1] ?? name;
    used.set(label, (used.get(label) ?? 0) + seconds);
  }
  return used;
}

/** CPU milliseconds per operation, of all and of each process, largest first. */
export function describeCpu(cpuMsBy: Record<string, number>): string {
  const parts = Object.entries(cpuMsBy).sort(([, a], [, b]) => b - a);
  const total = parts.reduce((sum, [, ms]) => sum + ms, 0);
  return `all ${total.toFixed(2)} ms: ${parts.map(([name, ms]) => `${name} ${ms.toFixed(2)}`).join(', ')}`;
}
