import { Duration, Stack } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sources from 'aws-cdk-lib/aws-lambda-event-sources';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as targets from 'aws-cdk-lib/aws-scheduler-targets';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { environmentOf, type Sources } from './environment.ts';
import { functionOf } from './function.ts';
import type { SecretSources } from './functions/load-secrets.ts';
import { grantWork } from './grants.ts';
import { parameterName } from './parameter-name.ts';
import type { FunctionOf, Service } from './services.ts';
import type { Settings } from './settings.ts';
import type { DataStack } from './stacks/data-stack.ts';
import type { EventsStack, Queue } from './stacks/events-stack.ts';
import type { NetworkStack } from './stacks/network-stack.ts';

type Context = {
  settings: Settings;
  network: NetworkStack;
  data: DataStack;
  events: EventsStack;
  sources: Sources;
  /** The secrets that addresses of stores are made of, by name. */
  storeSecrets: Record<string, secretsmanager.ISecret>;
};

/** Runs of one function at a time: enough for the mails of a night, few enough for a mail server. */
const mailersMax = 10;

/** The functions of a service, with what starts them. */
export function functionsOf(
  scope: Construct,
  service: Service,
  context: Context,
): [name: string, fn: lambda.Function][] {
  return (service.functions ?? []).map((spec) => {
    const fn = addFunction(scope, service, spec, context);
    startBy(scope, fn, spec, context);
    return [spec.name, fn];
  });
}

function addFunction(
  scope: Construct,
  service: Service,
  spec: FunctionOf,
  { settings, network, data, events, sources, storeSecrets }: Context,
): lambda.Function {
  const { values, addresses, secrets } = environmentOf(service, sources);
  const inStores = secrets.filter((name) => name in storeSecrets);
  const parameters = secrets.filter((name) => !(name in storeSecrets));
  const found: SecretSources = {
    parameters: Object.fromEntries(
      parameters.map((name) => [name, parameterName(settings.environment, name)]),
    ),
    secrets: Object.fromEntries(
      inStores.map((name) => [name, storeSecrets[name]?.secretArn ?? '']),
    ),
    addresses,
  };
  const fn = functionOf(scope, spec.name, settings, {
    entry: spec.entry,
    handler: spec.handler,
    timeout: Duration.seconds(spec.timeoutSeconds),
    ...(spec.assets ? { assets: spec.assets } : {}),
    // The stores are in the network. AWS and the internet are reached without it.
    ...(Object.keys(addresses).length > 0 ? { network } : {}),
    environment: {
      ...values,
      ...(secrets.length > 0 ? { SECRETS: Stack.of(scope).toJsonString(found) } : {}),
    },
  });
  for (const name of parameters) {
    ssm.StringParameter.fromSecureStringParameterAttributes(scope, `${spec.name}-${name}`, {
      parameterName: parameterName(settings.environment, name),
    }).grantRead(fn);
  }
  for (const name of inStores) storeSecrets[name]?.grantRead(fn);
  grantWork(fn, service, { settings, data, events });
  return fn;
}

function startBy(
  scope: Construct,
  fn: lambda.Function,
  { name, startedBy }: FunctionOf,
  { settings, data, events }: Context,
): void {
  if ('queue' in startedBy) {
    const { queue } = events.queues.get(startedBy.queue) as Queue;
    fn.addEventSource(
      new sources.SqsEventSource(queue, {
        batchSize: 10,
        reportBatchItemFailures: true,
        maxConcurrency: mailersMax,
      }),
    );
  } else if ('table' in startedBy) {
    const table = data.tables.get(startedBy.table(settings.prefix));
    if (table === undefined) throw new Error(`${name} reads a table that no service has`);
    fn.addEventSource(
      new sources.DynamoEventSource(table, {
        startingPosition: lambda.StartingPosition.TRIM_HORIZON,
        batchSize: 100,
        reportBatchItemFailures: true,
        // A record that fails holds up those behind it, which is what order means.
        retryAttempts: -1,
      }),
    );
  } else {
    new scheduler.Schedule(scope, `${name}-schedule`, {
      schedule: scheduler.ScheduleExpression.rate(Duration.minutes(startedBy.everyMinutes)),
      target: new targets.LambdaInvoke(fn, { retryAttempts: 0 }),
    });
  }
}
