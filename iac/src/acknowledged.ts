import { type App, Validations } from 'aws-cdk-lib';
import type { Settings } from './settings.ts';

/** Findings of cdk-nag and warnings of the CDK that we accept, where, and why. Everything else fails the tests. */
type Acknowledged = { rules: string[]; where: RegExp; reason: string };

/** cdk-nag wants each wildcard and each managed policy to be named. */
function wildcard(what: string): string {
  return `AwsSolutions-IAM5[${what}]`;
}

function managedPolicy(name: string): string {
  return `AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/${name}]`;
}

const acknowledged: Acknowledged[] = [
  {
    rules: ['AwsSolutions-EC26', 'AwsSolutions-EC28', 'AwsSolutions-EC29'],
    where: /-network\/Vpc\/public\w+\/NatInstance$/,
    reason:
      'The NAT instance holds no data and can be replaced at any time; it exists where money matters more.',
  },
  {
    rules: ['AwsSolutions-RDS3', 'AwsSolutions-RDS10', 'AwsSolutions-AEC4'],
    where: /^qm-dev-data\//,
    reason: 'dev is cheap and can be thrown away. prod has two zones and deletion protection.',
  },
  {
    rules: ['AwsSolutions-RDS11', 'AwsSolutions-AEC5'],
    where: /-data\//,
    reason:
      'The stores are in isolated subnets and let only our own security group in; another port hides nothing.',
  },
  {
    rules: ['CloudFormation-Validate::E9006'],
    where: /-data\/Mysql$/,
    reason: 'RDS takes a version without a minor one, which the list of the rule does not have.',
  },
  {
    rules: ['CloudFormation-Validate::E1029'],
    where: /-services\/collectorTask$/,
    reason: 'The dollar sign belongs to the notation of the collector.',
  },
  {
    rules: [managedPolicy('AmazonRDSEnhancedMonitoringRole')],
    where: /-data\/Mysql\/MonitoringRole$/,
    reason: 'The policy that AWS maintains for enhanced monitoring of RDS.',
  },
  {
    rules: ['AwsSolutions-SMG4'],
    where: /-data\/(RedisToken|BrokerRedisPassword)$/,
    reason:
      'docs/deploy.md describes how to replace it without an outage. The stores cannot be reached from outside.',
  },
  {
    rules: ['AwsSolutions-ELB2', 'AwsSolutions-CFR3'],
    where: /-web\/(LoadBalancer|Distribution)$/,
    reason:
      'Access logs hold URLs, and those hold tickets. The gateway logs the patterns of routes instead.',
  },
  {
    rules: ['AwsSolutions-S1'],
    where: /-web\/(Customer|Backoffice)$/,
    reason: 'Public files of the web apps, which only CloudFront reads.',
  },
  {
    rules: ['@aws-cdk/aws-cloudfront-origins:listBucketSecurityRisk'],
    where: /-web\/Distribution\/Origin\d$/,
    reason:
      'Whoever may list a bucket gets 404 for what is not in it, rather than 403. Only the first page would show a list, and that has a root object.',
  },
  {
    rules: ['AwsSolutions-CFR1'],
    where: /-web\/Distribution$/,
    reason: 'Guests come from everywhere.',
  },
  {
    rules: ['AwsSolutions-CFR4'],
    where: /-web\/Distribution$/,
    reason:
      "Without a domain of one's own, CloudFront's certificate decides about TLS. With one, TLS 1.2 is required.",
  },
  {
    rules: [
      'AwsSolutions-L1',
      managedPolicy('AWSLambdaBasicExecutionRole'),
      ...['GetObject', 'GetBucket', 'List', 'DeleteObject', 'Abort'].map((action) =>
        wildcard(`Action::s3:${action}*`),
      ),
      wildcard(
        'Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*',
      ),
      wildcard('Resource::<Customer88802FF1.Arn>/*'),
      wildcard('Resource::<Backoffice366A6EE4.Arn>/*'),
      wildcard('Resource::<web>:ExportsOutputFnGetAttCustomer88802FF1Arn927DFA11/*'),
      wildcard('Resource::<web>:ExportsOutputFnGetAttBackoffice366A6EE4ArnF4863D3C/*'),
    ],
    where: /\/Custom::CDKBucketDeployment\w+$/,
    reason:
      'The function of aws-cdk-lib that copies the files of the web apps during a deployment.',
  },
  {
    rules: ['AwsSolutions-ECS2'],
    where: /-services\/\w+Task$/,
    reason:
      'Only settings are plain variables. Secrets come from Parameter Store and Secrets Manager.',
  },
  {
    rules: [wildcard('Resource::*')],
    where: /-services\/\w+Task\/ExecutionRole$/,
    reason: 'ecr:GetAuthorizationToken cannot be limited to a repository.',
  },
  {
    rules: [wildcard('Resource::*')],
    where: /-services\/(operator|collector)Task\/TaskRole$/,
    reason: 'The channels of Session Manager and the segments of X-Ray have no names.',
  },
  {
    rules: [
      managedPolicy('AWSLambdaBasicExecutionRole'),
      managedPolicy('AWSLambdaVPCAccessExecutionRole'),
    ],
    where: /-(services|search)\/[\w-]+\/ServiceRole$/,
    reason: 'The policies that AWS maintains for the logs and network interfaces of functions.',
  },
  {
    rules: [
      wildcard(
        'Resource::arn:<AWS::Partition>:ssm:<AWS::Region>:<AWS::AccountId>:parameter/queue-manager/<environment>/forwarder*',
      ),
    ],
    where: /-services\/forwarder-\w+\/ServiceRole$/,
    reason: 'Target and keys of the external API, which the forwarder reads by their path.',
  },
  {
    rules: [wildcard('Action::kms:GenerateDataKey*'), wildcard('Action::kms:ReEncrypt*')],
    where: /-services\/forwarder-\w+\/ServiceRole$/,
    reason: 'The variants of two operations, on the key of alerts only.',
  },
  {
    rules: [wildcard('Resource::<forwarderdrain93043605.Arn>:*')],
    where: /-services\/SchedulerRoleForTarget-?\w+$/,
    reason: 'The versions of the function that the schedule starts.',
  },
  {
    rules: [wildcard('Resource::*')],
    where: /-services\/forwarder-stream\/ServiceRole$/,
    reason: 'dynamodb:ListStreams cannot be limited to a table.',
  },
  {
    rules: ['AwsSolutions-SMG4'],
    where: /-search\/Password$/,
    reason: 'The internal user of OpenSearch has no other way to change it than a deployment.',
  },
  {
    rules: ['AwsSolutions-OS3', 'AwsSolutions-OS4', 'AwsSolutions-OS5'],
    where: /-search\/Domain$/,
    reason:
      'In isolated subnets, open to our own security group only, and with a password. Two nodes that may be rebuilt from CloudWatch need no masters of their own.',
  },
];

/** Records the accepted findings on their constructs. Call it when all stacks exist. */
export function acknowledgeFindings(
  app: App,
  { account, region, prefix, environment }: Settings,
): void {
  const idOf = (rule: string) =>
    rule
      .replace('<AWS::AccountId>', account)
      .replace('<AWS::Region>', region)
      .replace('<web>', `${prefix}web`)
      .replace('<environment>', environment);
  for (const construct of app.node.findAll()) {
    for (const { rules, where, reason } of acknowledged) {
      if (!where.test(construct.node.path)) continue;
      Validations.of(construct).acknowledge(...rules.map((rule) => ({ id: idOf(rule), reason })));
    }
  }
}
