import {
  type Metric,
  metricsList,
  panelRows,
  type Series,
} from '@queue-manager/service-kit/telemetry/metrics-list';
import { services } from '../services.ts';

export const metricsNamespace = 'QueueManager';
export const tracesPort = 4318;
export const collectorName = 'collector';

/** A series by route has a metric for each of a hundred routes, thirty dollars a month: the load balancer shows those. */
const isAffordable = ({ by }: Series) => !by.includes('route');

/** The panels of the list that CloudWatch shows. */
export const cloudWatchPanels = panelRows.flatMap(({ panels }) =>
  panels
    .map((panel) => ({ ...panel, series: panel.series.filter(isAffordable) }))
    .filter(({ series }) => series.length > 0),
);

/** The dimensions under which CloudWatch gets a series: its labels, and the service. */
export const dimensionsOf = ({ by }: Series) => [...new Set([...by, 'service'])];

export function kindOf(name: string): Metric['type'] {
  return name in metricsList ? metricsList[name as keyof typeof metricsList].type : 'gauge';
}

/**
 * Configuration of the OpenTelemetry collector: reads what every process measures once a minute, as Prometheus would, and sends what
 * the dashboard shows to CloudWatch; traces go to X-Ray.
 */
export function collectorConfig(options: {
  region: string;
  namespace: string;
  port: number;
  logGroup: string;
}): object {
  const names = services
    .filter(({ runsAs }) => runsAs === 'task')
    .map(({ name }) => `${name}.${options.namespace}`);
  const series = cloudWatchPanels.flatMap((panel) => panel.series);
  return {
    receivers: {
      prometheus: {
        config: {
          scrape_configs: [
            {
              job_name: 'queue-manager',
              scrape_interval: '60s',
              // biome-ignore lint/suspicious/noTemplateCurlyInString: the collector's own notation
              authorization: { credentials: '${env:INTERNAL_CREDENTIAL}' },
              dns_sd_configs: [{ names, type: 'A', port: options.port }],
              relabel_configs: [
                {
                  source_labels: ['__meta_dns_name'],
                  regex: '([^.]+)\\..*',
                  target_label: 'service',
                  // The collector expands a single dollar sign.
                  replacement: '$$1',
                },
              ],
            },
          ],
        },
      },
      otlp: { protocols: { http: { endpoint: `0.0.0.0:${tracesPort}` } } },
    },
    processors: { batch: {} },
    exporters: {
      awsemf: {
        region: options.region,
        namespace: metricsNamespace,
        log_group_name: options.logGroup,
        dimension_rollup_option: 'NoDimensionRollup',
        metric_declarations: series.map((one) => ({
          dimensions: [dimensionsOf(one)],
          metric_name_selectors: [`^${one.metric}$`],
        })),
      },
      awsxray: { region: options.region },
    },
    service: {
      pipelines: {
        metrics: { receivers: ['prometheus'], processors: ['batch'], exporters: ['awsemf'] },
        traces: { receivers: ['otlp'], processors: ['batch'], exporters: ['awsxray'] },
      },
    },
  };
}
