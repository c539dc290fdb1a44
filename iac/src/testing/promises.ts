import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  alertTopicName,
  brokerName,
  deadLetterName,
  deadLetterRetentionDays,
  queueNames,
  queues,
} from '@queue-manager/events/topology';
import { daySeconds } from '@queue-manager/service-kit/durations';
import { repositoryRoot } from '../repository.ts';
import { services, tablesOfServices } from '../services.ts';
import { taskSizeOf } from '../settings.ts';
import { type Resource, resourceOf, resourcesOf, type Templates, textOf } from './templates.ts';

/** What the templates promise. Each throws when the promise is broken. */
export const promises: Record<string, (templates: Templates) => void> = {
  'every queue of the topology has its settings and a dead-letter queue': (templates) => {
    const { prefix } = templates.settings;
    for (const name of queueNames) {
      const [, { Properties: queue }] = queueOf(templates, brokerName(prefix, name));
      const [deadLetterId, { Properties: deadLetters }] = queueOf(
        templates,
        deadLetterName(prefix, name),
      );
      assert.equal(textOf(queue.RedrivePolicy?.deadLetterTargetArn), `<${deadLetterId}.Arn>`);
      assert.equal(queue.RedrivePolicy.maxReceiveCount, queues[name].maxReceiveCount);
      assert.equal(queue.VisibilityTimeout, queues[name].visibilityTimeoutSeconds);
      assert.equal(queue.ReceiveMessageWaitTimeSeconds, queues[name].waitSeconds);
      assert.equal(queue.MessageRetentionPeriod, queues[name].retentionDays * daySeconds);
      assert.equal(deadLetters.MessageRetentionPeriod, deadLetterRetentionDays * daySeconds);
      for (const one of [queue, deadLetters]) {
        assert.equal(one.FifoQueue ?? false, name.endsWith('.fifo'));
        assert.equal(one.SqsManagedSseEnabled, true);
      }
    }
  },

  'every dead-letter queue, and every queue with old messages, raises an alarm': (templates) => {
    const { prefix } = templates.settings;
    for (const name of queueNames) {
      const alarmOn = (metric: string, queue: string) => {
        const [id] = queueOf(templates, queue);
        return alarmOf(
          templates,
          ({ MetricName, Dimensions = [] }) =>
            MetricName === metric &&
            Dimensions.some(({ Value }: { Value: unknown }) =>
              textOf(Value).includes(`GetAtt${id}`),
            ),
        );
      };
      const onDeadLetters = alarmOn(
        'ApproximateNumberOfMessagesVisible',
        deadLetterName(prefix, name),
      );
      assert.equal(onDeadLetters.Threshold, 0);
      alarmOn('ApproximateAgeOfOldestMessage', brokerName(prefix, name));
    }
  },

  'the stores and the load balancer have the alarms that an operator needs': (templates) => {
    const measured = resourcesOf(templates, 'AWS::CloudWatch::Alarm').map(([, { Properties }]) =>
      JSON.stringify([Properties.MetricName, Properties.ExtendedStatistic, Properties.Metrics]),
    );
    for (const metric of [
      ...['CPUUtilization', 'DatabaseConnections', 'FreeStorageSpace', 'ReadIOPS', 'WriteIOPS'],
      ...['EngineCPUUtilization', 'Evictions', 'CacheMisses', 'DatabaseMemoryUsagePercentage'],
      ...['HTTPCode_Target_5XX_Count', 'HTTPCode_ELB_5XX_Count', 'p99', 'UnHealthyHostCount'],
    ]) {
      assert.ok(
        measured.some((text) => text.includes(`"${metric}"`)),
        `no alarm for ${metric}`,
      );
    }
    for (const store of ['redis', 'broker-redis']) {
      for (const what of ['cpu', 'memory', 'evictions']) alarmNamed(templates, `${store}-${what}`);
    }
  },

  'every alarm tells the operator, and has a page in docs/operations.md': (templates) => {
    const operations = readFileSync(join(repositoryRoot, 'docs/operations.md'), 'utf8');
    const pages = new Set(Array.from(operations.matchAll(/^## (.+)$/gm), ([, title]) => title));
    for (const [id, { Properties }] of resourcesOf(templates, 'AWS::CloudWatch::Alarm')) {
      if (!isOurs(Properties)) continue;
      for (const actions of [Properties.AlarmActions, Properties.OKActions]) {
        assert.match(textOf(actions?.[0]), /Alerts/, id);
      }
      const [, page] = /docs\/operations\.md, "(.+)"\.$/.exec(Properties.AlarmDescription) ?? [];
      assert.ok(pages.has(page), `${id} leads to "${page}"`);
    }
  },

  'alerts go to the operator by mail, and our own ones to the mailer': (templates) => {
    const { prefix } = templates.settings;
    for (const name of [alertTopicName(prefix), `${prefix}edge-alerts`]) {
      const [, { Properties: topic }] = resourceOf(
        templates,
        'AWS::SNS::Topic',
        ({ TopicName }) => TopicName === name,
      );
      assert.ok(topic.KmsMasterKeyId, name);
    }
    const policies = resourcesOf(templates, 'AWS::SNS::TopicPolicy');
    assert.equal(policies.length, 2);
    for (const [id, { Properties }] of policies) {
      const { Statement } = Properties.PolicyDocument;
      const [plain, ofAlarms] = ['Deny', 'Allow'].map((effect) =>
        Statement.find(({ Effect }: { Effect: string }) => Effect === effect),
      );
      assert.deepEqual(plain.Condition, { Bool: { 'aws:SecureTransport': 'false' } }, id);
      const { account } = templates.settings;
      assert.deepEqual(ofAlarms.Condition, { StringEquals: { 'aws:SourceAccount': account } }, id);
    }
    const protocols = resourcesOf(templates, 'AWS::SNS::Subscription').map(
      ([, { Properties }]) => Properties.Protocol,
    );
    // The firewall's are in a region of their own.
    assert.deepEqual(protocols.sort(), ['email', 'email', 'sqs']);
  },

  'the firewall has managed and rate rules, and its blocks raise an alarm where its metrics are': (
    templates,
  ) => {
    const ofRegion = { ...templates, stacks: { global: templates.stacks.global ?? {} } };
    const [, { Properties: firewall }] = resourceOf(ofRegion, 'AWS::WAFv2::WebACL');
    const rules: { Statement: object }[] = firewall.Rules;
    for (const kind of ['ManagedRuleGroupStatement', 'RateBasedStatement']) {
      assert.ok(
        rules.some(({ Statement }) => kind in Statement),
        kind,
      );
    }
    const { MetricName, Dimensions } = alarmNamed(ofRegion, 'firewall-blocks');
    assert.equal(MetricName, 'BlockedRequests');
    assert.deepEqual(Dimensions, [
      { Name: 'Rule', Value: 'ALL' },
      { Name: 'WebACL', Value: firewall.VisibilityConfig.MetricName },
    ]);
  },

  'every service of the repository runs, as tasks that roll back by themselves or as functions': (
    templates,
  ) => {
    const folders = readdirSync(join(repositoryRoot, 'services'));
    assert.deepEqual(services.map(({ name }) => name).sort(), folders.sort());
    for (const { name, runsAs, functions = [] } of services) {
      if (runsAs === 'function') {
        assert.ok(functions.length > 0, name);
        for (const { name: ofFunction } of functions) functionOf(templates, ofFunction);
        continue;
      }
      const [taskId, { Properties: task }] = taskOf(templates, name);
      assert.equal(task.RuntimePlatform.CpuArchitecture, 'ARM64');
      for (const container of task.ContainerDefinitions) {
        assert.equal(container.ReadonlyRootFilesystem, true);
        assert.equal(container.LogConfiguration.LogDriver, 'awslogs');
      }
      const [, { Properties: service }] = serviceOf(templates, name);
      assert.equal(textOf(service.TaskDefinition), `<${taskId}>`);
      assert.deepEqual(service.DeploymentConfiguration.DeploymentCircuitBreaker, {
        Enable: true,
        Rollback: true,
      });
      assert.equal(service.DeploymentConfiguration.MinimumHealthyPercent, 100);
      const { Enable, Rollback, AlarmNames } = service.DeploymentConfiguration.Alarms;
      assert.deepEqual([Enable, Rollback], [true, true]);
      assert.match(textOf(AlarmNames[0]), /^<gatewayerrors/);
      alarmNamed(templates, `tasks-${name}`);
    }
  },

  'tasks follow the processor, and the requests, messages or streams of their service': (
    templates,
  ) => {
    const collected = textOf(
      taskOf(templates, 'collector')[1].Properties.ContainerDefinitions[0].Environment[0].Value,
    );
    for (const { name, runsAs, scalesOn = [], consumes } of services) {
      if (runsAs === 'function') continue;
      // A number in the template would undo at each deployment what autoscaling added.
      assert.equal(serviceOf(templates, name)[1].Properties.DesiredCount, undefined);
      const [, { Properties: target }] = resourceOf(
        templates,
        'AWS::ApplicationAutoScaling::ScalableTarget',
        (_, id) => id.startsWith(`${name}Service`),
      );
      assert.equal(target.MinCapacity, taskSizeOf(templates.settings, name).tasksMin);
      const policyOf = (id: string) => scalingPolicyOf(templates, name, id);
      const trackedBy = (id: string) => policyOf(id).TargetTrackingScalingPolicyConfiguration;
      assert.equal(
        trackedBy('Cpu').PredefinedMetricSpecification.PredefinedMetricType,
        'ECSServiceAverageCPUUtilization',
      );
      if (scalesOn.includes('requests')) {
        assert.equal(
          trackedBy('Requests').PredefinedMetricSpecification.PredefinedMetricType,
          'ALBRequestCountPerTarget',
        );
      }
      if (scalesOn.includes('streams')) {
        const { MetricName, Dimensions } = trackedBy('Streams').CustomizedMetricSpecification;
        assert.deepEqual(Dimensions, [{ Name: 'service', Value: name }]);
        assert.ok(
          collected.includes(
            `{"dimensions":[["service"]],"metric_name_selectors":["^${MetricName}$"]}`,
          ),
        );
      }
      if (scalesOn.includes('backlog')) {
        for (const queue of consumes) {
          const policy = policyOf(`Backlog${queue.replaceAll('-', '')}`);
          assert.equal(policy.StepScalingPolicyConfiguration.AdjustmentType, 'ChangeInCapacity');
        }
      }
    }
  },

  'every function is started by its source, reports failures one by one, and has its alarms': (
    templates,
  ) => {
    const { prefix } = templates.settings;
    for (const { name, startedBy, timeoutSeconds } of services.flatMap(
      ({ functions = [] }) => functions,
    )) {
      const [id] = functionOf(templates, name);
      for (const kind of ['errors', 'throttles']) alarmNamed(templates, `function-${kind}-${name}`);
      if ('everyMinutes' in startedBy) {
        resourceOf(templates, 'AWS::Scheduler::Schedule', ({ Target }) =>
          textOf(Target.Arn).includes(id),
        );
        continue;
      }
      const [, { Properties: mapping }] = resourceOf(
        templates,
        'AWS::Lambda::EventSourceMapping',
        ({ FunctionName }) => textOf(FunctionName) === `<${id}>`,
      );
      assert.deepEqual(mapping.FunctionResponseTypes, ['ReportBatchItemFailures']);
      const source = textOf(mapping.EventSourceArn);
      if ('queue' in startedBy) {
        const [queueId] = queueOf(templates, brokerName(prefix, startedBy.queue));
        assert.match(source, new RegExp(queueId));
        assert.ok(timeoutSeconds <= queues[startedBy.queue].visibilityTimeoutSeconds);
      } else {
        assert.match(source, /Tableusers.*StreamArn/);
      }
    }
  },

  'the cluster knows its capacity providers while a service uses them': (templates) => {
    const [id] = resourceOf(templates, 'AWS::ECS::ClusterCapacityProviderAssociations');
    for (const [service, { DependsOn = [] }] of resourcesOf(templates, 'AWS::ECS::Service')) {
      assert.ok(DependsOn.includes(id), service);
    }
  },

  'services are deployed one after the other, the gateway last': (templates) => {
    const tasks = services.filter(({ runsAs }) => runsAs === 'task').map(({ name }) => name);
    assert.equal(tasks.at(-1), 'gateway');
    for (const [index, name] of tasks.entries()) {
      const [, { DependsOn = [] }] = serviceOf(templates, name);
      for (const earlier of tasks.slice(0, index).slice(-1)) {
        assert.ok(DependsOn.includes(serviceOf(templates, earlier)[0]), `${name} after ${earlier}`);
      }
    }
  },

  'migrations run before the service that needs them': (templates) => {
    const [, { Properties }] = taskOf(templates, 'queue');
    const service = Properties.ContainerDefinitions.find(
      ({ Name }: { Name: string }) => Name === 'service',
    );
    assert.deepEqual(service.DependsOn, [{ Condition: 'SUCCESS', ContainerName: 'migrate' }]);
  },

  'the tasks of a deployment do not use up the connections of MySQL': (templates) => {
    const [, { Properties: task }] = taskOf(templates, 'queue');
    const service = task.ContainerDefinitions.find(
      ({ Name }: { Name: string }) => Name === 'service',
    );
    const poolSize = service.Environment.find(
      ({ Name }: { Name: string }) => Name === 'MYSQL_POOL_SIZE',
    );
    const [, { Properties: alarm }] = resourceOf(
      templates,
      'AWS::CloudWatch::Alarm',
      ({ MetricName }) => MetricName === 'DatabaseConnections',
    );
    const { tasksMax } = taskSizeOf(templates.settings, 'queue');
    assert.ok(2 * tasksMax * Number(poolSize?.Value) <= alarm.Threshold);
  },

  'every table has its keys, its stream, point-in-time recovery and encryption': (templates) => {
    for (const table of tablesOfServices(templates.settings.prefix)) {
      const [, { Properties, DeletionPolicy }] = resourceOf(
        templates,
        'AWS::DynamoDB::GlobalTable',
        ({ TableName }) => TableName === table.name,
      );
      const keys = [table.partitionKey, ...(table.sortKey ? [table.sortKey] : [])];
      assert.deepEqual(
        Properties.KeySchema.map(({ AttributeName }: { AttributeName: string }) => AttributeName),
        keys,
      );
      assert.equal(Properties.BillingMode, 'PAY_PER_REQUEST');
      assert.equal(Properties.SSESpecification?.SSEEnabled, true);
      assert.equal(Properties.TimeToLiveSpecification?.AttributeName, table.ttlAttribute);
      assert.equal(
        Properties.StreamSpecification?.StreamViewType,
        table.hasStream ? 'NEW_IMAGE' : undefined,
      );
      const [replica] = Properties.Replicas;
      assert.equal(replica.PointInTimeRecoverySpecification?.PointInTimeRecoveryEnabled, true);
      if (templates.settings.keepsData) {
        assert.equal(replica.DeletionProtectionEnabled, true);
        assert.equal(DeletionPolicy, 'RetainExceptOnCreate');
      }
    }
  },

  'MySQL is encrypted, requires TLS, is backed up, and its passwords rotate': (templates) => {
    const { mysql, keepsData } = templates.settings;
    const [, { Properties, DeletionPolicy }] = resourceOf(templates, 'AWS::RDS::DBInstance');
    assert.equal(DeletionPolicy, keepsData ? 'Snapshot' : 'Delete');
    assert.equal(Properties.StorageEncrypted, true);
    assert.equal(Properties.PubliclyAccessible, false);
    assert.equal(Properties.MultiAZ, mysql.multiAz);
    assert.equal(Properties.BackupRetentionPeriod, mysql.backupDays);
    assert.equal(Properties.DeletionProtection, keepsData);
    assert.equal(Properties.EngineVersion, '8.4');
    const [, { Properties: group }] = resourceOf(templates, 'AWS::RDS::DBParameterGroup');
    assert.equal(group.Parameters.require_secure_transport, '1');
    assert.equal(group.Parameters.transaction_isolation, 'READ-COMMITTED');
    assert.equal(group.Parameters.innodb_flush_log_at_trx_commit, '1');
    assert.equal(resourcesOf(templates, 'AWS::SecretsManager::RotationSchedule').length, 2);
    if (keepsData) {
      assert.equal(mysql.multiAz, true);
      assert.equal(Properties.EnablePerformanceInsights, true);
    }
  },

  'Redis is encrypted, asks for a password, and frees expired lines in the background': (
    templates,
  ) => {
    const [, { Properties: lines }] = resourceOf(templates, 'AWS::ElastiCache::ReplicationGroup');
    assert.equal(lines.AtRestEncryptionEnabled, true);
    assert.equal(lines.TransitEncryptionEnabled, true);
    assert.ok(lines.AuthToken);
    assert.equal(lines.ClusterMode, 'enabled');
    const [, { Properties: group }] = resourceOf(templates, 'AWS::ElastiCache::ParameterGroup');
    assert.equal(group.Properties['lazyfree-lazy-expire'], 'yes');
    assert.equal(group.Properties['maxmemory-policy'], 'noeviction');
    const [, { Properties: broker }] = resourceOf(templates, 'AWS::MemoryDB::Cluster');
    assert.equal(broker.TLSEnabled, true);
    assert.notEqual(broker.ACLName, 'open-access');
    if (templates.settings.keepsData) {
      assert.equal(lines.MultiAZEnabled, true);
      assert.ok(broker.NumReplicasPerShard > 0);
      assert.ok(broker.SnapshotRetentionLimit > 0);
    }
  },

  'the stores are in subnets without a way out': (templates) => {
    const subnets = ['RDS::DB', 'ElastiCache::', 'MemoryDB::'].flatMap((store) => {
      const [, { Properties }] = resourceOf(templates, `AWS::${store}SubnetGroup`);
      return Properties.SubnetIds.map(textOf);
    });
    assert.equal(subnets.length, 6);
    for (const subnet of subnets) assert.match(subnet, /isolatedSubnet/);
  },

  'browsers come through the firewall and by TLS, and the entrance cannot be deleted by accident': (
    templates,
  ) => {
    const [, { Properties }] = resourceOf(templates, 'AWS::CloudFront::Distribution');
    const { WebACLId, DefaultCacheBehavior, CacheBehaviors } = Properties.DistributionConfig;
    assert.match(textOf(WebACLId), /Firewall/);
    for (const { ViewerProtocolPolicy } of [DefaultCacheBehavior, ...CacheBehaviors]) {
      assert.equal(ViewerProtocolPolicy, 'redirect-to-https');
    }
    const [, { Properties: balancer }] = resourceOf(
      templates,
      'AWS::ElasticLoadBalancingV2::LoadBalancer',
    );
    const { Value } = balancer.LoadBalancerAttributes.find(
      ({ Key }: { Key: string }) => Key === 'deletion_protection.enabled',
    );
    assert.equal(Value, String(templates.settings.keepsData));
  },

  'no bucket is public, and each is encrypted': (templates) => {
    for (const [id, { Properties }] of resourcesOf(templates, 'AWS::S3::Bucket')) {
      assert.ok(Properties.BucketEncryption, id);
      assert.deepEqual(
        new Set(Object.values(Properties.PublicAccessBlockConfiguration ?? {})),
        new Set([true]),
        id,
      );
    }
  },

  'the network has three kinds of subnets in two zones, endpoints to AWS, and logs what it refuses':
    (templates) => {
      const zones = resourcesOf(templates, 'AWS::EC2::Subnet').map(
        ([, { Properties }]) => Properties.AvailabilityZone,
      );
      assert.equal(zones.length, 6);
      assert.equal(new Set(zones).size, 2);
      const endpoints = resourcesOf(templates, 'AWS::EC2::VPCEndpoint').map(([, { Properties }]) =>
        textOf(Properties.ServiceName).replace(/^com\.amazonaws\.[^.]+\./, ''),
      );
      const ofNetwork = ['s3', 'dynamodb'];
      const paid = [
        ...['sqs', 'sns', 'ssm', 'ssmmessages', 'secretsmanager', 'logs'],
        ...['ecr.api', 'ecr.dkr'],
      ];
      assert.deepEqual(
        endpoints.sort(),
        [...ofNetwork, ...(templates.settings.interfaceEndpoints ? paid : [])].sort(),
      );
      assert.equal(resourcesOf(templates, 'AWS::EC2::FlowLog').length, 1);
    },

  'nothing but the way out has a public address': (templates) => {
    const [, { Properties }] = resourceOf(templates, 'AWS::ElasticLoadBalancingV2::LoadBalancer');
    assert.equal(Properties.Scheme, 'internal');
    const [nat] = resourcesOf(templates, 'AWS::EC2::Instance');
    if (nat) assert.equal(nat[1].Properties.NetworkInterfaces[0].AssociatePublicIpAddress, true);
    for (const [id, { Properties: group }] of resourcesOf(templates, 'AWS::EC2::SecurityGroup')) {
      for (const rule of group.SecurityGroupIngress ?? []) {
        assert.notEqual(rule.CidrIp, '0.0.0.0/0', id);
      }
    }
  },

  'metrics and traces of all services are collected': (templates) => {
    const [, { Properties }] = taskOf(templates, 'collector');
    const [{ Name, Value }] = Properties.ContainerDefinitions[0].Environment;
    assert.equal(Name, 'AOT_CONFIG_CONTENT');
    assert.match(textOf(Value), /gateway\.queue-manager\.internal/);
    const [, { Properties: service }] = serviceOf(templates, 'collector');
    assert.equal(service.DeploymentConfiguration?.DeploymentCircuitBreaker?.Rollback, true);
    alarmNamed(templates, 'tasks-collector');
  },

  'operators come in through Session Manager': (templates) => {
    const [, { Properties }] = taskOf(templates, 'operator');
    assert.match(textOf(Properties.ContainerDefinitions[0].Command.at(-1)), /export MYSQL_URL=/);
    const mayBeEntered = resourcesOf(templates, 'AWS::IAM::Policy', 'services').filter(
      ([, { Properties: policy }]) =>
        JSON.stringify(policy).includes('ssmmessages:OpenDataChannel'),
    );
    assert.equal(mayBeEntered.length, 1);
  },

  'load balancers ask whether a gateway lives, not whether everything behind it does': (
    templates,
  ) => {
    const [, { Properties }] = resourceOf(templates, 'AWS::ElasticLoadBalancingV2::TargetGroup');
    assert.equal(Properties.HealthCheckPath, '/livez');
  },

  'no role may do anything everywhere': (templates) => {
    for (const [id, { Properties }] of resourcesOf(templates, 'AWS::IAM::Policy')) {
      for (const { Action, Resource: resource } of Properties.PolicyDocument.Statement) {
        if (textOf(resource) !== '*') continue;
        for (const action of [Action].flat()) {
          assert.match(
            action,
            /^(ecr:GetAuthorizationToken|ssmmessages:\w+|xray:Put\w+|dynamodb:ListStreams)$/,
            id,
          );
        }
      }
    }
  },

  'the CDK warns of nothing': ({ warnings }) => assert.deepEqual(warnings, []),

  'logs are kept for the days of the environment, whoever writes them': ({ settings, stacks }) => {
    for (const resources of Object.values(stacks)) {
      const groups = new Map<string, string>();
      for (const [id, { Type, Properties }] of Object.entries(resources)) {
        if (Type !== 'AWS::Logs::LogGroup') continue;
        assert.equal(Properties.RetentionInDays, settings.logDays, id);
        groups.set(`<${id}>`, id).set(Properties.LogGroupName, id);
      }
      for (const [id, { Type, Properties, DependsOn = [] }] of Object.entries(resources)) {
        assert.doesNotMatch(Type, logsElsewhere, id);
        for (const name of logGroupsOf[Type]?.(Properties) ?? []) {
          const group = groups.get(name);
          assert.ok(group, `${id} writes to ${name}`);
          // Else AWS creates the group by itself, and the deployment finds it there.
          if (name.startsWith('/aws/')) assert.ok(DependsOn.includes(group), id);
        }
      }
    }
  },
};

/** The log groups that resources write to, by their type. */
const logGroupsOf: Record<string, (properties: Resource['Properties']) => string[]> = {
  'AWS::Lambda::Function': ({ LoggingConfig }) => [textOf(LoggingConfig?.LogGroup)],
  'AWS::Serverless::Application': ({ Parameters }) => [`/aws/lambda/${Parameters.functionName}`],
  'AWS::ECS::TaskDefinition': ({ ContainerDefinitions }) =>
    ContainerDefinitions.map(({ LogConfiguration }: Resource['Properties']) =>
      textOf(LogConfiguration.Options['awslogs-group']),
    ),
  'AWS::RDS::DBInstance': ({ DBInstanceIdentifier, EnableCloudwatchLogsExports }) =>
    EnableCloudwatchLogsExports.map(
      (log: string) => `/aws/rds/instance/${DBInstanceIdentifier}/${log}`,
    ),
  'AWS::EC2::FlowLog': ({ LogGroupName }) => [textOf(LogGroupName)],
  'AWS::OpenSearchService::Domain': ({ LogPublishingOptions }) =>
    Object.values(LogPublishingOptions).map((option) =>
      textOf((option as Resource['Properties']).CloudWatchLogsLogGroupArn).replace('.Arn>', '>'),
    ),
};

/** Types that write logs and are not used: whoever uses one adds it above. */
const logsElsewhere =
  /CodeBuild::Project|StepFunctions::StateMachine|ApiGateway|Synthetics|(Logging|QueryLogging|Resolver\w+)Config/;

function queueOf(templates: Templates, name: string): [string, Resource] {
  return resourceOf(templates, 'AWS::SQS::Queue', ({ QueueName }) => QueueName === name);
}

function alarmOf(
  templates: Templates,
  fits: (properties: Resource['Properties']) => boolean,
): Resource['Properties'] {
  return resourceOf(
    templates,
    'AWS::CloudWatch::Alarm',
    (properties) => isOurs(properties) && fits(properties),
  )[1].Properties;
}

/** Alarms of autoscaling have no names. */
export function isOurs({ AlarmName }: Resource['Properties']): boolean {
  return AlarmName !== undefined;
}

function alarmNamed(templates: Templates, name: string): Resource['Properties'] {
  const { prefix } = templates.settings;
  return alarmOf(templates, ({ AlarmName }) => AlarmName === `${prefix}${name}`);
}

export function taskOf(templates: Templates, service: string): [string, Resource] {
  const { prefix } = templates.settings;
  return resourceOf(
    templates,
    'AWS::ECS::TaskDefinition',
    ({ Family }) => Family === `${prefix}${service}`,
  );
}

function scalingPolicyOf(
  templates: Templates,
  service: string,
  name: string,
): Resource['Properties'] {
  return resourceOf(templates, 'AWS::ApplicationAutoScaling::ScalingPolicy', (_, id) =>
    id.startsWith(`${service}ServiceTaskCountTarget${name}`),
  )[1].Properties;
}

function functionOf(templates: Templates, name: string): [string, Resource] {
  const { prefix } = templates.settings;
  return resourceOf(
    templates,
    'AWS::Lambda::Function',
    ({ FunctionName }) => FunctionName === `${prefix}${name}`,
  );
}

function serviceOf(templates: Templates, name: string): [string, Resource] {
  return resourceOf(templates, 'AWS::ECS::Service', ({ ServiceName }) => ServiceName === name);
}
