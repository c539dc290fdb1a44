import { Stack, type StackProps } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as actions from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { Settings } from '../settings.ts';
import {
  type AlarmSpec,
  cacheMissAlarm,
  functionAlarms,
  gatewayAlarms,
  mysqlAlarms,
  queueAlarms,
  redisAlarms,
  taskAlarms,
} from '../watching/alarms.ts';
import { dashboardOf, lineDashboardOf } from '../watching/dashboard.ts';
import { savedSearches } from '../watching/saved-searches.ts';
import { metricsOf, type Watched } from '../watching/watched.ts';

/** Alarms, each with its page in docs/operations.md, a dashboard, and saved searches of logs. */
export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps & Watched) {
    super(scope, id, props);
    const { settings, events } = props;
    const metrics = metricsOf(props);
    const specs: AlarmSpec[] = [
      ...queueAlarms(events),
      ...mysqlAlarms(metrics.mysql, settings),
      ...redisAlarms(
        { name: 'redis', title: 'The Redis of lines' },
        metrics.redis,
        'DatabaseMemoryUsagePercentage',
      ),
      cacheMissAlarm(metrics.redis),
      ...redisAlarms(
        { name: 'broker-redis', title: 'The Redis of the broker' },
        metrics.brokerRedis,
        'DatabaseMemoryUsagePercentage',
      ),
      ...gatewayAlarms(props.web.loadBalancer, props.web.gatewayTargets),
      ...taskAlarms(metrics.runningTasks, settings),
      ...Array.from(props.functions, ([name, fn]) => functionAlarms(name, fn)).flat(),
    ];
    const toOperator = new actions.SnsAction(events.alerts);
    const alarms = specs.map((spec) => {
      const alarm = alarmOf(this, settings, spec);
      alarm.addAlarmAction(toOperator);
      alarm.addOkAction(toOperator);
      return alarm;
    });
    dashboardOf(this, { ...props, metrics, alarms });
    lineDashboardOf(this, settings);

    for (const { name, fields, filter } of savedSearches) {
      new logs.CfnQueryDefinition(this, `Search-${name}`, {
        name: `Queue Manager ${settings.environment}/${name}`,
        logGroupNames: [...props.services.services.keys(), ...props.functions.keys()].map(
          (service) => `/queue-manager/${settings.environment}/${service}`,
        ),
        queryString: [
          `fields ${fields.join(', ')}`,
          ...filter,
          'sort @timestamp asc',
          'limit 1000',
        ].join('\n| '),
      });
    }
  }
}

function alarmOf(scope: Construct, { prefix }: Settings, spec: AlarmSpec): cloudwatch.Alarm {
  const { LESS_THAN_THRESHOLD, GREATER_THAN_THRESHOLD } = cloudwatch.ComparisonOperator;
  const { BREACHING, NOT_BREACHING } = cloudwatch.TreatMissingData;
  return new cloudwatch.Alarm(scope, spec.name, {
    alarmName: `${prefix}${spec.name}`,
    alarmDescription: `${spec.meaning} What to do: docs/operations.md, "${spec.page}".`,
    metric: spec.metric,
    threshold: spec.threshold,
    comparisonOperator: spec.comparison === 'below' ? LESS_THAN_THRESHOLD : GREATER_THAN_THRESHOLD,
    evaluationPeriods: spec.minutes,
    datapointsToAlarm: spec.minutes,
    treatMissingData: spec.needsData ? BREACHING : NOT_BREACHING,
  });
}
