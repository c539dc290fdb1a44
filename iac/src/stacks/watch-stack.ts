import { Stack, type StackProps } from 'aws-cdk-lib';
import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import {
  type AlarmSpec,
  addAlarm,
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
      ...redisAlarms({ name: 'redis', title: 'The Redis of lines' }, metrics.redis),
      cacheMissAlarm(metrics.redis),
      ...redisAlarms(
        { name: 'broker-redis', title: 'The Redis of the broker' },
        metrics.brokerRedis,
      ),
      ...gatewayAlarms(props.web.loadBalancer, props.web.gatewayTargets),
      ...taskAlarms(metrics.runningTasks, settings),
      ...Array.from(props.functions, ([name, fn]) => functionAlarms(name, fn)).flat(),
    ];
    const alarms = [
      props.services.errorAlarm,
      ...specs.map((spec) => addAlarm(this, settings, spec, events.alerts)),
    ];
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
