/**
 * `npm run bench -- NAME [ARGUMENT...]`: measures a part of the system on stores of its own, which are gone
 * afterwards. Its exit code is that of the measurement: 0 when every goal was reached.
 */

import { startGuarded } from './guarded-process.ts';
import { repositoryRoot } from './repository.ts';
import { StackError } from './stack-error.ts';
import { standAlone } from './stand-alone.ts';
import { removeDataDir, startStores } from './stores.ts';
import { startSystem } from './system.ts';
import { ensurePrograms } from './system-packages.ts';
import { runUntilStopped, say } from './terminal.ts';
import { makeThrowAwayDataDir } from './throw-away-data.ts';

type Bench = {
  /** Finds what it measures in its environment. */
  program: string;
  /** Takes the running services too, with these settings; the stores alone when there are none. */
  systemSettings?: Record<string, string>;
};

/** All of the load comes from one address and one account. */
const unlimited = {
  RATE_LIMIT_JOIN_PER_MINUTE: '1000000000',
  RATE_LIMIT_TICKET_PER_MINUTE: '1000000000',
  RATE_LIMIT_TICKET_ADDRESS_PER_MINUTE: '1000000000',
  RATE_LIMIT_ACCOUNT_PER_MINUTE: '1000000000',
  RATE_LIMIT_ADDRESS_PER_MINUTE: '1000000000',
};

const benches: Record<string, Bench> = {
  events: { program: 'services/queue/src/bench/events.ts' },
  line: { program: 'services/queue/src/bench/line.ts', systemSettings: unlimited },
  live: { program: 'services/position/src/bench/live.ts', systemSettings: unlimited },
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
  // What it says of itself takes no stores.
  if (args.includes('--help')) return run({});

  await ensurePrograms(process.env, repositoryRoot, say);
  const dataDir = makeThrowAwayDataDir('queue-manager-bench-');
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
