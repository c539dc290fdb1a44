/**
 * `npm start`: runs every store and service on this machine until stopped.
 * `npm run dev` (--watch): the same, and restarts services and builds apps when their files change.
 */
import { relative } from 'node:path';
import { parseArgs } from 'node:util';
import { backofficePath, pageUrl } from '@queue-manager/contracts/pages';
import { buildApps, buildOnChange } from '../apps/build-apps.ts';
import { hasSecrets } from '../data-folder/secrets.ts';
import { prefixedOutput } from '../processes/log-lines.ts';
import { repositoryRoot } from '../repository.ts';
import { type Settings, settingsFrom } from '../settings.ts';
import { ensurePrograms } from '../stores/system-packages.ts';
import { demoQueue, makeDemo, planDemo, readDemo } from '../system/demo.ts';
import { withPositionProcesses } from '../system/services.ts';
import { type System, startSystem } from '../system/system.ts';
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
    const demo = await demoLines(settings.dataDir, system);
    write(`${['', ...readyLines(settings, system, demo), ''].join('\n')}\n`);
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

/** The demo owner and the pages of their queue if they still exist. The system works without them. */
async function demoLines(dataDir: string, system: System): Promise<[string, string][]> {
  const demo = readDemo(dataDir);
  if (demo === undefined) return [];
  try {
    if (!demo.complete && system.mailUrl === undefined) {
      say(
        'No demo data: its account needs a verification mail, and SMTP_URL sends mails elsewhere',
      );
      return [];
    }
    if (system.mailUrl) await makeDemo(dataDir, system.gatewayUrl, system.mailUrl);
    const queue = await demoQueue(system.gatewayUrl, demo);
    if (queue === undefined) return [];
    return [
      ['Demo owner', `${demo.email}, password ${demo.password}`],
      ['Join page', queue.joinUrl],
      ['Board', pageUrl(publicUrlOf(system), 'board', queue.id)],
    ];
  } catch (error) {
    say(`The demo data could not be created: ${(error as Error).message}`);
    return [];
  }
}

function publicUrlOf(system: System): string {
  return system.env.PUBLIC_URL ?? system.gatewayUrl;
}

function readyLines(settings: Settings, system: System, demo: [string, string][]): string[] {
  const rows: [string, string][] = [
    ['Gateway', system.gatewayUrl],
    ['Backoffice', `${publicUrlOf(system)}${backofficePath}/`],
    ['API docs', `${system.gatewayUrl}/docs`],
    ...(system.mailUrl ? [['Mail inbox', system.mailUrl] satisfies [string, string]] : []),
    ...demo,
  ];
  const dataDir = relative(process.cwd(), settings.dataDir) || '.';
  const where = dataDir.startsWith('..') ? settings.dataDir : dataDir;
  return [
    'Queue Manager is ready.',
    '',
    ...rows.map(([title, value]) => `  ${title.padEnd(12)}${value}`),
    '',
    `Ctrl-C stops it. The data stays in ${where}.`,
  ];
}
