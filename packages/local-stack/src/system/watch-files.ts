import { watch } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { repositoryRoot } from '../repository.ts';
import { type Service, services } from './services.ts';
import type { System } from './system.ts';

/** Debounce: editors save in several steps, and a branch switch touches many files. */
const quietMs = 200;

/**
 * Restarts a service when a file under its src/ changes, and all services when a file of a package does. A service
 * that fails to restart is tried again at the next change.
 *
 * @param log takes a line for each restart.
 * @returns a function that stops watching.
 */
export function restartOnChange(
  system: Pick<System, 'restart'>,
  log: (line: string) => void,
  running: Service[] = services,
  root: string = repositoryRoot,
): () => void {
  const names = running.map((service) => service.name);
  const byFolder = Map.groupBy(running, ({ name, of = name }) => of);
  const due = new Set<string>();
  let working = false;

  async function work(): Promise<void> {
    if (working) return;
    working = true;
    while (due.size > 0) {
      await sleep(quietMs);
      const batch = [...due];
      due.clear();
      log(`Files changed; restarting ${batch.join(', ')}`);
      await Promise.all(
        batch.map((name) => system.restart(name).catch((error: Error) => log(error.message))),
      );
    }
    working = false;
  }

  const onChange = (folder: string, affected: string[]) =>
    watch(folder, { recursive: true }, (_event, file) => {
      if (file === null || !file.endsWith('.ts') || file.endsWith('.test.ts')) return;
      for (const name of affected) due.add(name);
      void work();
    });
  const watchers = [
    ...Array.from(byFolder, ([folder, ofFolder]) =>
      onChange(
        join(root, 'services', folder, 'src'),
        ofFolder.map(({ name }) => name),
      ),
    ),
    ...['contracts', 'service-kit', 'events'].map((name) =>
      onChange(join(root, 'packages', name, 'src'), names),
    ),
  ];
  return () => {
    for (const watcher of watchers) watcher.close();
  };
}
