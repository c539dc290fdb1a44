import * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import { removalPolicyOf } from './removal-policy.ts';
import type { Settings } from './settings.ts';

/** `RetentionDays` has the days as values. */
export function retentionOf(settings: Pick<Settings, 'logDays'>): logs.RetentionDays {
  return settings.logDays as logs.RetentionDays;
}

/** The log group of a service or function. */
export function logGroupOf(scope: Construct, name: string, settings: Settings): logs.LogGroup {
  return new logs.LogGroup(scope, `${name}Logs`, {
    logGroupName: `/queue-manager/${settings.environment}/${name}`,
    retention: retentionOf(settings),
    removalPolicy: removalPolicyOf(settings),
  });
}
