import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type { Settings } from '../settings.ts';
import type { DataStack } from '../stacks/data-stack.ts';
import type { EventsStack } from '../stacks/events-stack.ts';
import type { ServicesStack } from '../stacks/services-stack.ts';
import type { WebStack } from '../stacks/web-stack.ts';

const minute = Duration.minutes(1);

export type Watched = {
  settings: Settings;
  data: DataStack;
  events: EventsStack;
  web: WebStack;
  services: ServicesStack;
  functions: Map<string, lambda.IFunction>;
};

/** Metrics of the stores and tasks, by name. */
export type Metrics = ReturnType<typeof metricsOf>;

export function metricsOf({ settings, data, services }: Watched) {
  /** A metric of the node that is worst off. */
  const worst = (
    namespace: string,
    nodes: Record<string, string>[],
    metricName: string,
    statistic: string,
  ): cloudwatch.IMetric => {
    const metrics = nodes.map(
      (dimensionsMap) =>
        new cloudwatch.Metric({ namespace, metricName, dimensionsMap, statistic, period: minute }),
    );
    const [first] = metrics;
    if (first && metrics.length === 1) return first;
    // Names must differ within a graph, and start with a small letter.
    const name = `${namespace}${metricName}${statistic}`.replace(/^AWS\//, 'of');
    const names = metrics.map((_, index) => `${name}${index}`);
    return new cloudwatch.MathExpression({
      expression: `MAX([${names.join(', ')}])`,
      label: metricName,
      usingMetrics: Object.fromEntries(
        names.map((name, index) => [name, metrics[index] as cloudwatch.IMetric]),
      ),
      period: minute,
    });
  };
  const { redis, brokerRedis } = settings;
  return {
    mysql: (name: string, statistic = 'Average') =>
      data.mysql.metric(name, { statistic, period: minute }),
    redis: (name: string, statistic: string) =>
      worst(
        'AWS/ElastiCache',
        nodesOf(redis.shards, redis.replicas).map((node) => ({
          CacheClusterId: `${settings.prefix}lines-${node}`,
        })),
        name,
        statistic,
      ),
    brokerRedis: (name: string, statistic: string) =>
      worst(
        'AWS/MemoryDB',
        nodesOf(1, brokerRedis.replicas).map((node) => ({
          ClusterName: `${settings.prefix}broker`,
          NodeName: `${settings.prefix}broker-${node}`,
        })),
        name,
        statistic,
      ),
    runningTasks: (service: string): cloudwatch.IMetric =>
      new cloudwatch.Metric({
        namespace: 'ECS/ContainerInsights',
        metricName: 'RunningTaskCount',
        dimensionsMap: { ClusterName: services.cluster.clusterName, ServiceName: service },
        statistic: 'Minimum',
        period: minute,
      }),
  };
}

/** The names that AWS gives to nodes: shard and place in it. */
function nodesOf(shards: number, replicas: number): string[] {
  const number = (n: number) => String(n + 1).padStart(4, '0');
  return Array.from({ length: shards }, (_, shard) =>
    Array.from({ length: replicas + 1 }, (_, node) => `${number(shard)}-${number(node).slice(1)}`),
  ).flat();
}
