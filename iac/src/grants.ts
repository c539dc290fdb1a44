import * as iam from 'aws-cdk-lib/aws-iam';
import { parameterName } from './parameter-name.ts';
import type { Service } from './services.ts';
import type { Settings } from './settings.ts';
import type { DataStack } from './stacks/data-stack.ts';
import type { EventsStack, Queue } from './stacks/events-stack.ts';

/** What a service may do with tables and message queues: no more than its row of the table of services names. */
export function grantWork(
  role: iam.IGrantable,
  service: Service,
  { settings, data, events }: { settings: Settings; data: DataStack; events: EventsStack },
): void {
  for (const table of service.tables(settings.prefix)) {
    data.tables.get(table.name)?.grantReadWriteData(role);
  }
  for (const name of service.consumes) {
    const { queue, deadLetters } = events.queues.get(name) as Queue;
    queue.grantConsumeMessages(role);
    deadLetters.grantSendMessages(role);
  }
  for (const name of service.publishes) {
    (events.queues.get(name) as Queue).queue.grantSendMessages(role);
  }
  if (service.readsDeadLetters) {
    for (const { deadLetters } of events.queues.values()) deadLetters.grantConsumeMessages(role);
  }
  for (const name of service.readsTables?.(settings.prefix) ?? []) {
    data.tables.get(name)?.grantReadData(role);
  }
  if (service.readsParameters) {
    iam.Grant.addToPrincipal({
      grantee: role,
      actions: ['ssm:GetParameter', 'ssm:GetParameters', 'ssm:GetParametersByPath'],
      resourceArns: [
        data.formatArn({
          service: 'ssm',
          resource: 'parameter',
          resourceName: `${parameterName(settings.environment, service.name).slice(1)}*`,
        }),
      ],
    });
  }
  if (service.raisesAlerts) {
    events.alerts.grantPublish(role);
    // Creating a topic that exists returns its address.
    iam.Grant.addToPrincipal({
      grantee: role,
      actions: ['sns:CreateTopic'],
      resourceArns: [events.alerts.topicArn],
    });
  }
}
