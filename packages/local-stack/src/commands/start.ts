/**
 * `npm start`: runs every store and service on this machine until stopped.
 * `npm run dev` (--watch): the same, and restarts services and builds apps when their files change.
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { buildApps, buildOnChange } from '../apps/build-apps.ts';
import { hasSecrets } from '../data-folder/secrets.ts';
import { prefixedOutput } from '../processes/log-lines.ts';
import { repositoryRoot } from '../repository.ts';
import { type Settings, settingsFrom } from '../settings.ts';
import { ensurePrograms } from '../stores/system-packages.ts';
import { planDemo } from '../system/demo.ts';
import { demoRows, demoTriesMs, readyLines } from '../system/ready.ts';
import { withPositionProcesses } from '../system/services.ts';
import { startSystem } from '../system/system.ts';
import { restartOnChange } from '../system/watch-files.ts';
import { runUntilStopped, say } from '../terminal.ts';

await runUntilStopped(async (stopping, signal) => {
  const { values } = parseArgs({ options: { watch: { type: 'boolean', default: false } } });
  const settings = settingsFrom(process.env);
  await ensurePrograms(process.env, repositoryRoot, say);
  const write = (text: string) => void process.stdout.write(text);
  const services = withPositionProcesses(settings.positionProcesses);
  const names = services.map((service) => service.name);
  const building = buildApps(say, signal);
  // Awaited once the system runs.
  building.catch(() => {});
  const system = await startSystem({
    ...settings,
    services,
    signal,
    onDataDir: (dataDir) => {
      // A folder without secrets is new, though it may contain logs of tests.
      if (!hasSecrets(dataDir)) planDemo(dataDir);
    },
    log: say,
    output: prefixedOutput(names, write, process.stdout.isTTY && !process.env.NO_COLOR),
  });
  try {
    await building;
    const addresses = { ...system, publicUrl: system.env.PUBLIC_URL ?? system.gatewayUrl };
    const tries = AbortSignal.any([signal, AbortSignal.timeout(demoTriesMs)]);
    const demo = await demoRows(settings.dataDir, addresses, say, tries);
    write(`${['', ...readyLines(addresses, demo ?? [], howToStop(settings)), ''].join('\n')}\n`);
    const unwatch = values.watch
      ? [restartOnChange(system, say, services), buildOnChange(say)]
      : [];
    await stopping;
    for (const end of unwatch) end();
    say('Stopping …');
  } finally {
    await system.stop();
  }
});

function howToStop(settings: Settings): string {
  const dataDir = relative(process.cwd(), settings.dataDir) || '.';
  const where = dataDir.startsWith('..') ? settings.dataDir : dataDir;
  return `Ctrl-C stops it. The data stays in ${where}.`;
}
