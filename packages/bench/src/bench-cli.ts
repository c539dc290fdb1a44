/**
 * `npm run bench -- NAME [ARGUMENT...]`: measures a part of the system on its own temporary stores. The exit code is
 * that of the benchmark: 0 when every goal was reached.
 */
import { buildApps } from '@queue-manager/local-stack/apps/build-apps';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { startGuarded } from '@queue-manager/local-stack/processes/guarded-process';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { startStores } from '@queue-manager/local-stack/stores/start-stores';
import { ensurePrograms } from '@queue-manager/local-stack/stores/system-packages';
import { standAlone } from '@queue-manager/local-stack/system/stand-alone';
import { startSystem } from '@queue-manager/local-stack/system/system';
import { runUntilStopped, say } from '@queue-manager/local-stack/terminal';
import { unlimited } from './measure/unlimited.ts';

type Bench = {
  /** Finds the stores and services in its environment. */
  program: string;
  /** Settings of the services it needs besides the stores; undefined when it needs none. */
  systemSettings?: Record<string, string>;
  /** Whether it opens the built apps in Chromium. */
  hasPages?: boolean;
};

const benches: Record<string, Bench> = {
  apps: {
    program: 'packages/bench/src/apps/apps.ts',
    systemSettings: unlimited,
    hasPages: true,
  },
  broker: { program: 'packages/bench/src/broker/broker.ts', systemSettings: unlimited },
  events: { program: 'packages/bench/src/events/events.ts' },
  line: { program: 'packages/bench/src/line/line.ts', systemSettings: unlimited },
  live: { program: 'packages/bench/src/live/live.ts', systemSettings: unlimited },
  traces: { program: 'packages/bench/src/traces/traces.ts' },
  neighbour: { program: 'packages/bench/src/neighbour/neighbour.ts', systemSettings: {} },
};

await runUntilStopped(async (_stopping, signal) => {
  const [name = '', ...args] = process.argv.slice(2);
  const bench = benches[name];
  if (bench === undefined) {
    throw new StackError(`usage: npm run bench -- ${Object.keys(benches).join('|')} [argument...]`);
  }
  const env = standAlone(process.env);
  const run = async (foundEnv: Record<string, string>) => {
    const program = startGuarded(
      {
        file: process.execPath,
        args: [bench.program, ...args],
        cwd: repositoryRoot,
        env: { ...env, ...foundEnv },
      },
      'inherit',
    );
    signal.addEventListener('abort', () => void program.stop(5_000), { once: true });
    const { code } = await program.exited;
    return signal.aborted ? 130 : (code ?? 1);
  };
  // Help needs no stores.
  if (args.includes('--help')) return run({});

  await ensurePrograms(process.env, repositoryRoot, say, bench.hasPages ? ['chromium'] : []);
  if (bench.hasPages) await buildApps(say, signal);
  const dataDir = makeTemporaryDataDir('queue-manager-bench-');
  try {
    const measured = await (bench.systemSettings === undefined
      ? startStores({ dataDir, env, log: say, signal })
      : startSystem({ dataDir, env: { ...env, ...bench.systemSettings }, log: say, signal }));
    try {
      return await run(measured.env);
    } finally {
      await measured.stop();
    }
  } finally {
    removeDataDir(dataDir);
  }
});
