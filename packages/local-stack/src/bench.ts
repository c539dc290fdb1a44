/**
 * `npm run bench -- NAME [ARGUMENT...]`: measures a part of the system on stores of its own, which are gone
 * afterwards. Its exit code is that of the measurement: 0 when every goal was reached.
 */

import { startGuarded } from './guarded-process.ts';
import { repositoryRoot } from './repository.ts';
import { StackError } from './stack-error.ts';
import { standAlone } from './stand-alone.ts';
import { removeDataDir, startStores } from './stores.ts';
import { ensurePrograms } from './system-packages.ts';
import { runUntilStopped, say } from './terminal.ts';
import { makeThrowAwayDataDir } from './throw-away-data.ts';

/** The program of each measurement; it finds the stores in its environment. */
const benches: Record<string, string> = {
  events: 'services/queue/src/bench/events.ts',
};

await runUntilStopped(async (_stopping, signal) => {
  const [name = '', ...args] = process.argv.slice(2);
  const program = benches[name];
  if (program === undefined) {
    throw new StackError(`usage: npm run bench -- ${Object.keys(benches).join('|')} [argument...]`);
  }
  const env = standAlone(process.env);
  const run = async (storesEnv: Record<string, string>) => {
    const bench = startGuarded(
      {
        file: process.execPath,
        args: [program, ...args],
        cwd: repositoryRoot,
        env: { ...env, ...storesEnv },
      },
      'inherit',
    );
    signal.addEventListener('abort', () => void bench.stop(5_000), { once: true });
    const { code } = await bench.exited;
    return signal.aborted ? 130 : (code ?? 1);
  };
  // What it says of itself takes no stores.
  if (args.includes('--help')) return run({});

  await ensurePrograms(process.env, repositoryRoot, say);
  const dataDir = makeThrowAwayDataDir('queue-manager-bench-');
  try {
    const stores = await startStores({ dataDir, env, log: say, signal });
    try {
      return await run(stores.env);
    } finally {
      await stores.stop();
    }
  } finally {
    removeDataDir(dataDir);
  }
});
