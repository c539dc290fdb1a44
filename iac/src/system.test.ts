import assert from 'node:assert/strict';
import { before, suite, test } from 'node:test';
import { generateSecrets } from '@queue-manager/local-stack/data-folder/secrets';
import { readConfig } from '@queue-manager/service-kit/config';
import { billOf } from './pricing/bill.ts';
import { hoursAMonth } from './pricing/prices.ts';
import { secretsOf, services } from './services.ts';
import { environments } from './settings.ts';
import { isOurs, promises, taskOf } from './testing/promises.ts';
import {
  type Resource,
  resourceOf,
  resourcesOf,
  synthesize,
  type Templates,
  textOf,
} from './testing/templates.ts';

for (const environment of environments) {
  suite(`the templates of ${environment}`, () => {
    let templates: Templates;
    before(async () => {
      templates = await synthesize(environment);
    });

    for (const [promise, holds] of Object.entries(promises)) {
      test(promise, () => holds(templates));
    }

    test('tasks get what config.ts asks for, and nothing else', () => {
      for (const { name, env, runsAs } of services) {
        if (runsAs === 'function') continue;
        const [, { Properties }] = taskOf(templates, name);
        const variables = variablesOf(containerOf(Properties, 'service'));
        const { SERVICE: _, ...given } = variables;
        readConfig(env, given);
        const unknown = Object.keys(given).filter((variable) => !(variable in env));
        assert.deepEqual(unknown, [], `${name} has no such variables`);
      }
    });

    test('functions get what config.ts asks for', () => {
      for (const { name, env, functions = [] } of services) {
        for (const { name: ofFunction } of functions) {
          const [, { Properties }] = resourceOf(
            templates,
            'AWS::Lambda::Function',
            ({ FunctionName }) => FunctionName === `qm-${environment}-${ofFunction}`,
          );
          const { SECRETS = '{}', ...variables } = Properties.Environment.Variables;
          const { parameters = {}, addresses = {} } = JSON.parse(textOf(SECRETS));
          const known: Record<string, string> = { ...generateSecrets(), SMTP_URL: 'smtp://host' };
          readConfig(env, {
            ...Object.fromEntries(
              Object.entries(variables).map(([key, value]) => [
                key,
                textOf(value).replace(/<[\w.:-]+>/g, 'host'),
              ]),
            ),
            ...Object.fromEntries(Object.keys(parameters).map((key) => [key, known[key]])),
            ...Object.fromEntries(
              Object.entries(addresses).map(([key, value]) => [
                key,
                String(value).replace(/<[\w.:-]+>/g, 'host'),
              ]),
            ),
          });
          assert.ok(
            Object.keys(parameters).every((key) => key in env),
            name,
          );
        }
      }
    });

    test('tasks get the secrets of their service, and no other', () => {
      for (const { name, env, runsAs } of services) {
        if (runsAs === 'function') continue;
        const [, { Properties }] = taskOf(templates, name);
        const own = containerOf(Properties, 'service')
          .Secrets.filter(({ ValueFrom }: { ValueFrom: unknown }) =>
            textOf(ValueFrom).includes(`/queue-manager/${environment}/`),
          )
          .map(({ Name }: { Name: string }) => Name);
        const expected = [...secretsOf(name), ...('SMTP_URL' in env ? ['SMTP_URL'] : [])];
        assert.deepEqual(own.sort(), expected.sort(), name);
      }
    });

    test('the bill counts what the templates have', () => {
      const count = (type: string) => resourcesOf(templates, type).length;
      // Each metric of an alarm is paid for. Target tracking makes two alarms of its own.
      const ofAlarms = resourcesOf(templates, 'AWS::CloudWatch::Alarm').flatMap(
        ([, { Properties }]) =>
          Properties.Metrics?.filter(({ MetricStat }: Resource['Properties']) => MetricStat) ?? [
            Properties.MetricName,
          ],
      );
      const tracking = resourcesOf(templates, 'AWS::ApplicationAutoScaling::ScalingPolicy').filter(
        ([, { Properties }]) => Properties.PolicyType === 'TargetTrackingScaling',
      );
      const endpoints = resourcesOf(templates, 'AWS::EC2::VPCEndpoint').flatMap(
        ([, { Properties }]) => Properties.SubnetIds ?? [],
      );
      const { lines } = billOf('', environment, 0);
      const quantities = Object.fromEntries(lines.map(({ item, quantity }) => [item, quantity]));
      assert.equal(quantities.Alarms, ofAlarms.length + 2 * tracking.length);
      assert.equal(quantities.Dashboards, count('AWS::CloudWatch::Dashboard'));
      assert.equal(quantities.Secrets, count('AWS::SecretsManager::Secret'));
      assert.equal(quantities.Keys, count('AWS::KMS::Key'));
      assert.equal(quantities.Endpoints ?? 0, endpoints.length * hoursAMonth);
    });

    test('a promise is broken when a resource or a flag that it is about is missing', () => {
      const kept = Object.entries(promises).filter(([, holds]) => isKept(holds, templates));
      assert.deepEqual(
        kept.map(([name]) => name),
        Object.keys(promises),
      );
      for (const { what, mutate, undo } of mutations(templates)) {
        mutate();
        const broken = Object.values(promises).some((holds) => !isKept(holds, templates));
        undo();
        assert.ok(broken, `nobody notices that ${what}`);
      }
    });
  });
}

function containerOf(task: Resource['Properties'], name: string) {
  return task.ContainerDefinitions.find(({ Name }: { Name: string }) => Name === name);
}

/** The variables that the program in a container sees, with generated values for secrets. */
function variablesOf(container: Resource['Properties']): Record<string, string> {
  const known: Record<string, string> = {
    ...generateSecrets(),
    SMTP_URL: 'smtps://user:secret@mail.example.org',
  };
  const secrets = Object.fromEntries(
    container.Secrets.map(({ Name }: { Name: string }) => [
      Name,
      known[Name] ?? `value-of-${Name}`,
    ]),
  );
  const command = textOf(container.Command.at(-1)).replace(/<[\w.:-]+>/g, 'host');
  const exported = Array.from(
    command.matchAll(/^export (\w+)="(.*)"$/gm),
    ([, name = '', text = '']) => [
      name,
      text.replace(/\$(\w+)/g, (_, secret) => {
        assert.ok(secret in secrets, `${secret} is not injected`);
        return secrets[secret];
      }),
    ],
  );
  const inAddresses = new Set(Array.from(command.matchAll(/\$(\w+)/g), ([, name]) => name));
  return {
    ...Object.fromEntries(
      container.Environment.map(({ Name, Value }: { Name: string; Value: unknown }) => [
        Name,
        textOf(Value).replace(/<[\w.:-]+>/g, 'host'),
      ]),
    ),
    ...Object.fromEntries(Object.entries(secrets).filter(([name]) => !inAddresses.has(name))),
    ...Object.fromEntries(exported),
  };
}

function isKept(holds: (templates: Templates) => void, templates: Templates): boolean {
  try {
    holds(templates);
    return true;
  } catch {
    return false;
  }
}

type Mutation = { what: string; mutate: () => void; undo: () => void };

/** Types of which each single resource matters. */
const needed = [
  'AWS::CloudWatch::Alarm',
  'AWS::SQS::Queue',
  'AWS::ECS::TaskDefinition',
  'AWS::ECS::Service',
  'AWS::ApplicationAutoScaling::ScalingPolicy',
  'AWS::WAFv2::WebACL',
  'AWS::EC2::Subnet',
  'AWS::EC2::VPCEndpoint',
  'AWS::EC2::FlowLog',
  'AWS::DynamoDB::GlobalTable',
  'AWS::SNS::Subscription',
  'AWS::Lambda::EventSourceMapping',
  'AWS::SecretsManager::RotationSchedule',
];

const flags: Record<string, string[]> = {
  'AWS::SQS::Queue': ['SqsManagedSseEnabled'],
  'AWS::SNS::Topic': ['KmsMasterKeyId'],
  'AWS::DynamoDB::GlobalTable': ['SSESpecification'],
  'AWS::RDS::DBInstance': ['StorageEncrypted', 'BackupRetentionPeriod'],
  'AWS::ElastiCache::ReplicationGroup': [
    'AtRestEncryptionEnabled',
    'TransitEncryptionEnabled',
    'AuthToken',
  ],
  'AWS::MemoryDB::Cluster': ['TLSEnabled'],
  'AWS::S3::Bucket': ['BucketEncryption', 'PublicAccessBlockConfiguration'],
  'AWS::CloudWatch::Alarm': ['AlarmActions'],
  'AWS::ECS::Service': ['DeploymentConfiguration'],
};

function mutations(templates: Templates): Mutation[] {
  return Object.values(templates.stacks).flatMap((resources) =>
    Object.entries(resources).flatMap(([id, resource]): Mutation[] => {
      if (resource.Type === 'AWS::CloudWatch::Alarm' && !isOurs(resource.Properties)) return [];
      const removal = {
        what: `${id} is missing`,
        mutate: () => delete resources[id],
        undo() {
          resources[id] = resource;
        },
      };
      const { Properties } = resource;
      const changes = (flags[resource.Type] ?? [])
        .filter((flag) => flag in Properties)
        .map((flag) => {
          const value = Properties[flag];
          return {
            what: `${id} has no ${flag}`,
            mutate: () => delete Properties[flag],
            undo() {
              Properties[flag] = value;
            },
          };
        });
      return needed.includes(resource.Type) ? [removal, ...changes] : changes;
    }),
  );
}

test('a deployment without an own domain, with one, and with every option can be synthesized', async () => {
  const own = {
    domainName: 'night.example.org',
    hostedZoneId: 'Z0000000000000',
    hostedZoneName: 'example.org',
  };
  const templates = await synthesize('prod', {
    ...own,
    nat: 'instance',
    openSearch: true,
    zones: 'a,c',
  });
  for (const holds of Object.values(promises)) holds(templates);
  assert.equal(
    resourcesOf(templates, 'AWS::Logs::SubscriptionFilter').length,
    services.flatMap(({ name, functions = [{ name }] }) => functions).length,
  );
  const [, { Properties: search }] = resourceOf(templates, 'AWS::OpenSearchService::Domain');
  assert.equal(search.EncryptionAtRestOptions.Enabled, true);
  assert.equal(search.NodeToNodeEncryptionOptions.Enabled, true);
  assert.equal(search.DomainEndpointOptions.EnforceHTTPS, true);
  const [, { Properties }] = resourceOf(templates, 'AWS::CloudFront::Distribution');
  assert.deepEqual(Properties.DistributionConfig.Aliases, [own.domainName]);
  const zones = resourcesOf(templates, 'AWS::EC2::Subnet').map(
    ([, subnet]) => subnet.Properties.AvailabilityZone,
  );
  assert.deepEqual(new Set(zones), new Set(['eu-west-1a', 'eu-west-1c']));
  const records = resourcesOf(templates, 'AWS::Route53::RecordSet');
  assert.deepEqual(records.map(([, record]) => record.Properties.Type).sort(), ['A', 'AAAA']);
  await assert.rejects(() => synthesize('prod', { domainName: own.domainName }), /go together/);
  await assert.rejects(() => synthesize('prod', { colour: 'blue' }), /Bad parameters/);
});
