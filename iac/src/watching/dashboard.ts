import type { Series } from '@queue-manager/service-kit/telemetry/metrics-list';
import { Duration, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { services } from '../services.ts';
import type { Settings } from '../settings.ts';
import { cloudWatchPanels, dimensionsOf, kindOf, metricsNamespace } from './collector-config.ts';
import type { Metrics, Watched } from './watched.ts';

const minute = Duration.minutes(1);

/** A grid of 24 columns; four widgets a row and four rows fit one screen. */
const size = { width: 6, height: 5 };

/** One screen: alarms, then what guests and hosts notice, then what it runs on. */
export function dashboardOf(
  scope: Construct,
  watched: Watched & { metrics: Metrics; alarms: cloudwatch.IAlarm[] },
): cloudwatch.Dashboard {
  const { settings, events, web, services: tasks, metrics, functions } = watched;
  const { metrics: door } = web.loadBalancer;
  const sum = { period: minute, statistic: 'Sum' };
  const graph = (title: string, left: cloudwatch.IMetric[], right: cloudwatch.IMetric[] = []) =>
    new cloudwatch.GraphWidget({ ...size, title, left, right, liveData: true });
  const taskServices = services.filter(({ runsAs }) => runsAs === 'task').map(({ name }) => name);

  return new cloudwatch.Dashboard(scope, 'Dashboard', {
    dashboardName: `${settings.prefix}night`,
    defaultInterval: Duration.hours(3),
    widgets: [
      [
        new cloudwatch.AlarmStatusWidget({
          width: 24,
          height: 3,
          title: 'Alarms',
          alarms: watched.alarms,
          sortBy: cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
        }),
      ],
      [
        graph('Requests a minute', [door.requestCount(sum)]),
        graph('Failed requests a minute', [
          door.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, sum),
          door.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, sum),
        ]),
        graph(
          'Response time (s)',
          ['p50', 'p99'].map((statistic) =>
            door.targetResponseTime({ period: minute, statistic, label: statistic }),
          ),
        ),
        graph('Connections, twice the streams', [door.activeConnectionCount(sum)]),
      ],
      [
        graph(
          'Age of the oldest message (s)',
          Array.from(events.queues, ([label, { queue }]) =>
            queue.metricApproximateAgeOfOldestMessage({ period: minute, label }),
          ),
        ),
        graph(
          'Messages waiting',
          Array.from(events.queues, ([label, { queue }]) =>
            queue.metricApproximateNumberOfMessagesVisible({ period: minute, label }),
          ),
        ),
        graph(
          'Dead letters',
          Array.from(events.queues, ([label, { deadLetters }]) =>
            deadLetters.metricApproximateNumberOfMessagesVisible({ period: minute, label }),
          ),
        ),
        graph(
          'Functions: runs, and failures (right)',
          Array.from(functions, ([label, fn]) => fn.metricInvocations({ ...sum, label })),
          Array.from(functions, ([label, fn]) => fn.metricErrors({ ...sum, label })),
        ),
      ],
      [
        graph('Tasks', taskServices.map(metrics.runningTasks)),
        graph(
          'CPU of tasks (%)',
          taskServices.flatMap((name) => {
            const service = tasks.services.get(name);
            return service ? [service.metricCpuUtilization({ period: minute, label: name })] : [];
          }),
        ),
        graph(
          'MySQL: CPU (%), connections (right)',
          [metrics.mysql('CPUUtilization')],
          [metrics.mysql('DatabaseConnections', 'Maximum')],
        ),
        graph('MySQL: operations a second', [
          metrics.mysql('ReadIOPS'),
          metrics.mysql('WriteIOPS'),
        ]),
      ],
      [
        graph('Redis: CPU of the engine (%)', [
          metrics.redis('EngineCPUUtilization', 'Average'),
          metrics.brokerRedis('EngineCPUUtilization', 'Average'),
        ]),
        graph('Redis: memory (%)', [
          metrics.redis('DatabaseMemoryUsagePercentage', 'Maximum'),
          metrics.brokerRedis('DatabaseMemoryUsagePercentage', 'Maximum'),
        ]),
        graph(
          'Redis: misses, evictions (right)',
          [metrics.redis('CacheMisses', 'Sum')],
          [metrics.redis('Evictions', 'Sum')],
        ),
        graph('MySQL: free storage (bytes)', [metrics.mysql('FreeStorageSpace', 'Minimum')]),
      ],
    ],
  });
}

/** What the services themselves measure: the panels of the list that the Grafana dashboard is made from, too. */
export function lineDashboardOf(scope: Construct, { prefix }: Settings): cloudwatch.Dashboard {
  return new cloudwatch.Dashboard(scope, 'LineDashboard', {
    dashboardName: `${prefix}line`,
    defaultInterval: Duration.hours(3),
    widgets: [
      cloudWatchPanels.map(
        ({ title, series }) =>
          new cloudwatch.GraphWidget({
            ...size,
            title,
            left: series.map(
              (one) =>
                new cloudwatch.MathExpression({
                  expression: searchOf(one),
                  label: one.legend ?? '',
                  usingMetrics: {},
                  period: minute,
                  searchRegion: Stack.of(scope).region,
                }),
            ),
          }),
      ),
    ],
  });
}

/** CloudWatch has no percentiles of histograms from the collector, so it shows averages. */
function searchOf(series: Series): string {
  const statistic =
    series.show === 'rate' && kindOf(series.metric) === 'counter'
      ? 'Sum'
      : kindOf(series.metric) === 'gauge'
        ? 'Maximum'
        : series.show === 'rate'
          ? 'SampleCount'
          : 'Average';
  const schema = [metricsNamespace, ...dimensionsOf(series)].join(',');
  const where = Object.entries(series.where ?? {}).map(
    ([label, values]) =>
      `${label}=(${values
        .split('|')
        .map((value) => `"${value}"`)
        .join(' OR ')})`,
  );
  const query = [`{${schema}}`, `MetricName="${series.metric}"`, ...where].join(' ');
  return `SEARCH('${query}', '${statistic}', 60)`;
}
