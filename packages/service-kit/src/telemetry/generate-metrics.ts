/*
 * Generates docs/metrics.md and the Grafana dashboard from the list of metrics. With --check it writes nothing: it lists
 * every file that differs and exits with 1 if there is one.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { grafanaDashboard } from './grafana-dashboard.ts';
import { metricsPage } from './metrics-page.ts';

const { check } = parseArgs({ options: { check: { type: 'boolean', default: false } } }).values;
const root = join(import.meta.dirname, '../../../..');
const files = {
  'docs/metrics.md': metricsPage(),
  'containers/grafana/dashboards/queue-manager.json': `${JSON.stringify(grafanaDashboard(), null, 2)}\n`,
};

for (const [name, content] of Object.entries(files)) {
  const path = join(root, name);
  if ((await readFile(path, 'utf8').catch(() => null)) === content) continue;
  if (check) {
    console.error(`${name} is out of date: run npm run metrics`);
    process.exitCode = 1;
  } else await writeFile(path, content);
}
