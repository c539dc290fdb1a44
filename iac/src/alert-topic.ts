import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';
import type { Settings } from './settings.ts';

/** A topic that CloudWatch publishes alarms on, and that mails them to the operator. */
export function alertTopicOf(
  scope: Construct,
  topicName: string,
  { alertEmail }: Settings,
): sns.Topic {
  const cloudWatch = new iam.ServicePrincipal('cloudwatch.amazonaws.com');
  // CloudWatch cannot publish under the key that AWS manages for SNS.
  const masterKey = new kms.Key(scope, 'AlertsKey', {
    description: 'Encrypts alerts',
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  masterKey.grantEncryptDecrypt(cloudWatch);
  const topic = new sns.Topic(scope, 'Alerts', { topicName, masterKey, enforceSSL: true });
  // Not of alarms in other accounts, for which CloudWatch publishes as well.
  const { account } = Stack.of(scope);
  topic.grantPublish(cloudWatch.withConditions({ StringEquals: { 'aws:SourceAccount': account } }));
  if (alertEmail) {
    topic.addSubscription(
      new subscriptions.EmailSubscription(alertEmail, {
        // Our own events carry their type, and become mails in the operator's language; the rest arrives as AWS wrote it.
        filterPolicy: { type: sns.SubscriptionFilter.notExistsFilter() },
      }),
    );
  }
  return topic;
}
