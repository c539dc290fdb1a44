import { type App, CfnResource, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sam from 'aws-cdk-lib/aws-sam';
import type { Construct } from 'constructs';
import { removalPolicyOf } from './removal-policy.ts';
import type { Settings } from './settings.ts';

/** `RetentionDays` has the days as values. */
function retentionOf(settings: Pick<Settings, 'logDays'>): logs.RetentionDays {
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

/**
 * The log group of something that is not ours, and that is deleted with it. `logGroupName` is where AWS writes to when it
 * offers no choice; the writer must depend on it, or creates it first, without retention.
 */
export function foreignLogGroupOf(
  scope: Construct,
  id: string,
  settings: Settings,
  logGroupName?: string,
): logs.LogGroup {
  return new logs.LogGroup(scope, id, {
    ...(logGroupName ? { logGroupName } : {}),
    retention: retentionOf(settings),
    removalPolicy: RemovalPolicy.DESTROY,
  });
}

/**
 * Log groups for the functions that are not ours: those of aws-cdk-lib, which work during a deployment, and those that
 * rotate passwords. Call it when all stacks exist.
 */
export function limitForeignLogs(app: App, settings: Settings): void {
  for (const construct of app.node.findAll()) {
    if (!CfnResource.isCfnResource(construct)) continue;
    const stack = Stack.of(construct);
    if (construct instanceof sam.CfnApplication) {
      const { functionName } = construct.parameters as { functionName: string };
      const name = `/aws/lambda/${functionName}`;
      construct.node.addDependency(foreignLogGroupOf(stack, `${functionName}Logs`, settings, name));
    }
    if (construct.cfnResourceType !== lambda.CfnFunction.CFN_RESOURCE_TYPE_NAME) continue;
    if (construct instanceof lambda.CfnFunction && construct.loggingConfig) continue;
    const id = 'DeploymentLogs';
    const group =
      (stack.node.tryFindChild(id) as logs.LogGroup | undefined) ??
      foreignLogGroupOf(stack, id, settings);
    construct.addPropertyOverride('LoggingConfig.LogGroup', group.logGroupName);
  }
}
