import { queueNames, queues } from '@queue-manager/events/topology';
import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as elbv2 from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { HttpCodeElb, HttpCodeTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';
import { connectionsAlarm, mysqlLimits } from '../mysql-limits.ts';
import { services } from '../services.ts';
import { type Settings, taskSizeOf } from '../settings.ts';
import type { EventsStack, Queue } from '../stacks/events-stack.ts';
import { collectorName } from './collector-config.ts';

export type AlarmSpec = {
  /** Unique; the alarm's name without the prefix. */
  name: string;
  /** The heading in docs/operations.md that says what to do. */
  page: string;
  /** What is wrong, in a sentence. */
  meaning: string;
  metric: cloudwatch.IMetric;
  threshold: number;
  comparison?: 'above' | 'below';
  /** Minutes in a row. */
  minutes: number;
  /** Missing data raises the alarm as well. */
  needsData?: boolean;
};

const minute = Duration.minutes(1);

/** An alarm that tells the operator when it begins and when it is over. */
export function addAlarm(
  scope: Construct,
  { prefix }: Settings,
  spec: AlarmSpec,
  topic: sns.ITopic,
): cloudwatch.Alarm {
  const { LESS_THAN_THRESHOLD, GREATER_THAN_THRESHOLD } = cloudwatch.ComparisonOperator;
  const { BREACHING, NOT_BREACHING } = cloudwatch.TreatMissingData;
  const alarm = new cloudwatch.Alarm(scope, spec.name, {
    alarmName: `${prefix}${spec.name}`,
    alarmDescription: `${spec.meaning} What to do: docs/operations.md, "${spec.page}".`,
    metric: spec.metric,
    threshold: spec.threshold,
    comparisonOperator: spec.comparison === 'below' ? LESS_THAN_THRESHOLD : GREATER_THAN_THRESHOLD,
    evaluationPeriods: spec.minutes,
    datapointsToAlarm: spec.minutes,
    treatMissingData: spec.needsData ? BREACHING : NOT_BREACHING,
  });
  const toOperator = new actions.SnsAction(topic);
  alarm.addAlarmAction(toOperator);
  alarm.addOkAction(toOperator);
  return alarm;
}

/** An SLO of the API: the tenth of a second that a person does not notice, ten times. */
const p99SecondsMax = 1;
const errorPercentMax = 1;

/** Messages wait for seconds. One of an age of minutes means that a consumer is down, or cannot keep up. */
const messageAgeSecondsMax = 5 * 60;
/** Queues that keep messages for two weeks wait for an external API, which may be down for hours. */
const patientMessageAgeSecondsMax = 6 * 60 * 60;

export function queueAlarms(events: EventsStack): AlarmSpec[] {
  return queueNames.flatMap((name) => {
    const { queue, deadLetters } = events.queues.get(name) as Queue;
    const isPatient = queues[name].retentionDays > 7;
    return [
      {
        name: `dead-letters-${name.replace('.', '-')}`,
        page: 'Dead letters',
        meaning: `Messages of ${name} failed for good.`,
        metric: deadLetters.metricApproximateNumberOfMessagesVisible({
          period: minute,
          statistic: 'Maximum',
        }),
        threshold: 0,
        minutes: 1,
      },
      {
        name: `old-messages-${name.replace('.', '-')}`,
        page: 'Old messages',
        meaning: `Messages of ${name} are not consumed in time.`,
        metric: queue.metricApproximateAgeOfOldestMessage({ period: minute, statistic: 'Maximum' }),
        threshold: isPatient ? patientMessageAgeSecondsMax : messageAgeSecondsMax,
        minutes: 3,
      },
    ];
  });
}

export function mysqlAlarms(
  metric: (name: string, statistic?: string) => cloudwatch.IMetric,
  settings: Settings,
): AlarmSpec[] {
  const { connectionsMax, iopsMax } = mysqlLimits(settings);
  return [
    {
      name: 'mysql-cpu',
      page: 'MySQL: CPU',
      meaning: 'MySQL is short of processor time.',
      metric: metric('CPUUtilization'),
      threshold: 80,
      minutes: 10,
    },
    {
      name: 'mysql-connections',
      page: 'MySQL: connections',
      meaning: 'MySQL is running out of connections.',
      metric: metric('DatabaseConnections', 'Maximum'),
      threshold: connectionsAlarm * connectionsMax,
      minutes: 5,
    },
    {
      name: 'mysql-storage',
      page: 'MySQL: storage',
      meaning: 'The disk of MySQL is nearly full, and did not grow.',
      metric: metric('FreeStorageSpace', 'Minimum'),
      threshold: 0.1 * settings.mysql.storageGb * 1024 ** 3,
      comparison: 'below',
      // RDS lets the disk grow after five minutes with less than a tenth, and needs some more for it.
      minutes: 30,
    },
    {
      name: 'mysql-reads',
      page: 'MySQL: operations of the disk',
      meaning: 'MySQL reads a lot from its disk: its memory no longer holds the working set.',
      metric: metric('ReadIOPS'),
      threshold: 0.6 * iopsMax,
      minutes: 10,
    },
    {
      name: 'mysql-writes',
      page: 'MySQL: operations of the disk',
      meaning: 'MySQL writes nearly as much as its disk and its instance allow.',
      metric: metric('WriteIOPS'),
      threshold: 0.8 * iopsMax,
      minutes: 10,
    },
  ];
}

/** `metric` takes the worst node. */
export function redisAlarms(
  store: { name: string; title: string },
  metric: (name: string, statistic: string) => cloudwatch.IMetric,
): AlarmSpec[] {
  return [
    {
      name: `${store.name}-cpu`,
      page: 'Redis: CPU',
      meaning: `${store.title} is short of processor time: it executes commands on one core.`,
      metric: metric('EngineCPUUtilization', 'Average'),
      threshold: 75,
      minutes: 5,
    },
    {
      name: `${store.name}-memory`,
      page: 'Redis: memory and evictions',
      meaning: `${store.title} is nearly full, and then refuses writes.`,
      metric: metric('DatabaseMemoryUsagePercentage', 'Maximum'),
      threshold: 75,
      minutes: 5,
    },
    {
      name: `${store.name}-evictions`,
      page: 'Redis: memory and evictions',
      meaning: `${store.title} deletes keys to make room. Its policy is noeviction, so somebody changed it.`,
      metric: metric('Evictions', 'Sum'),
      threshold: 0,
      minutes: 1,
    },
  ];
}

/** A projection that is gone is rebuilt from MySQL, which is slower than a read; many misses mean that Redis was emptied. */
export function cacheMissAlarm(
  metric: (name: string, statistic: string) => cloudwatch.IMetric,
): AlarmSpec {
  return {
    name: 'redis-misses',
    page: 'Redis: misses',
    meaning: 'Most reads of Redis find nothing.',
    metric: new cloudwatch.MathExpression({
      expression: 'IF(hits + misses > 1000, 100 * misses / (hits + misses), 0)',
      usingMetrics: { hits: metric('CacheHits', 'Sum'), misses: metric('CacheMisses', 'Sum') },
      period: minute,
    }),
    threshold: 60,
    minutes: 10,
  };
}

/** Also takes back a version of a service during whose deployment it begins. */
export function errorAlarm({ metrics }: elbv2.ApplicationLoadBalancer): AlarmSpec {
  const options = { period: minute, statistic: 'Sum' };
  return {
    name: 'gateway-errors',
    page: 'Gateway: errors',
    meaning: `More than ${errorPercentMax} % of requests fail.`,
    metric: new cloudwatch.MathExpression({
      expression:
        'IF(FILL(requests, 0) > 100, 100 * (FILL(ours, 0) + FILL(balancer, 0)) / requests, 0)',
      usingMetrics: {
        requests: metrics.requestCount(options),
        ours: metrics.httpCodeTarget(HttpCodeTarget.TARGET_5XX_COUNT, options),
        balancer: metrics.httpCodeElb(HttpCodeElb.ELB_5XX_COUNT, options),
      },
      period: minute,
    }),
    threshold: errorPercentMax,
    minutes: 3,
  };
}

export function gatewayAlarms(
  { metrics }: elbv2.ApplicationLoadBalancer,
  targets: elbv2.ApplicationTargetGroup,
): AlarmSpec[] {
  return [
    {
      name: 'gateway-latency',
      page: 'Gateway: latency',
      meaning: `One in a hundred requests takes longer than ${p99SecondsMax} s.`,
      metric: metrics.targetResponseTime({ period: minute, statistic: 'p99' }),
      threshold: p99SecondsMax,
      minutes: 5,
    },
    {
      name: 'gateway-unhealthy',
      page: 'Tasks missing',
      meaning: 'A gateway does not answer the load balancer.',
      metric: targets.metrics.unhealthyHostCount({ period: minute, statistic: 'Maximum' }),
      threshold: 0,
      minutes: 5,
    },
  ];
}

export function taskAlarms(
  runningTasks: (service: string) => cloudwatch.IMetric,
  settings: Settings,
): AlarmSpec[] {
  const ofServices = services
    .filter(({ runsAs }) => runsAs === 'task')
    .map(({ name }) => ({ name, tasksMin: taskSizeOf(settings, name).tasksMin }));
  return [...ofServices, { name: collectorName, tasksMin: 1 }].map(({ name, tasksMin }) => ({
    name: `tasks-${name}`,
    page: 'Tasks missing',
    meaning: `Fewer tasks of ${name} run than there should be.`,
    metric: runningTasks(name),
    threshold: tasksMin,
    comparison: 'below',
    minutes: 5,
    needsData: true,
  }));
}

export function functionAlarms(name: string, fn: lambda.IFunction): AlarmSpec[] {
  return [
    {
      name: `function-errors-${name}`,
      page: 'Functions: errors and throttles',
      meaning: `Runs of ${name} fail.`,
      metric: fn.metricErrors({ period: minute, statistic: 'Sum' }),
      threshold: 0,
      minutes: 3,
    },
    {
      name: `function-throttles-${name}`,
      page: 'Functions: errors and throttles',
      meaning: `${name} may not run as often as it should.`,
      metric: fn.metricThrottles({ period: minute, statistic: 'Sum' }),
      threshold: 0,
      minutes: 3,
    },
  ];
}

/** Requests a minute that the firewall blocks: more than the usual scanners. */
const blockedPerMinuteMax = 100;

/** CloudFront's firewalls have no dimension for a region. */
export function firewallAlarm(firewall: string): AlarmSpec {
  return {
    name: 'firewall-blocks',
    page: 'Firewall: blocked requests',
    meaning: 'The firewall blocks many requests: a flood, or a rule that hits guests.',
    metric: new cloudwatch.Metric({
      namespace: 'AWS/WAFV2',
      metricName: 'BlockedRequests',
      dimensionsMap: { WebACL: firewall, Rule: 'ALL' },
      statistic: 'Sum',
      period: minute,
    }),
    threshold: blockedPerMinuteMax,
    minutes: 5,
  };
}
