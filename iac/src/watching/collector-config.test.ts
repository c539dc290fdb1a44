import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricsList } from '@queue-manager/service-kit/telemetry/metrics-list';
import { services } from '../services.ts';
import { cloudWatchPanels, collectorConfig, dimensionsOf } from './collector-config.ts';

type Config = {
  receivers: {
    prometheus: { config: { scrape_configs: { dns_sd_configs: { names: string[] }[] }[] } };
  };
  exporters: {
    awsemf: {
      metric_declarations: { dimensions: string[][]; metric_name_selectors: string[] }[];
    };
  };
};

const config = collectorConfig({
  region: 'eu-west-1',
  namespace: 'internal',
  port: 8080,
  logGroup: 'metrics',
}) as Config;

test('every task is read, by a name that stands for all of its tasks', () => {
  const [scrape] = config.receivers.prometheus.config.scrape_configs;
  assert.deepEqual(
    scrape?.dns_sd_configs[0]?.names,
    services.filter(({ runsAs }) => runsAs === 'task').map(({ name }) => `${name}.internal`),
  );
});

test('what the dashboard shows is collected, under the dimensions that it asks for', () => {
  const collected = config.exporters.awsemf.metric_declarations.map(
    ({ dimensions, metric_name_selectors: [name] }) => `${name} by ${dimensions[0]?.join(',')}`,
  );
  for (const { series } of cloudWatchPanels) {
    for (const one of series) {
      assert.ok(collected.includes(`^${one.metric}$ by ${dimensionsOf(one).join(',')}`));
      if (one.metric in metricsList) {
        const { labels } = metricsList[one.metric as keyof typeof metricsList];
        const own = one.by.filter((label) => label !== 'service');
        assert.ok(own.every((label) => (labels as readonly string[]).includes(label)));
      }
    }
  }
  assert.ok(cloudWatchPanels.length > 8);
});
