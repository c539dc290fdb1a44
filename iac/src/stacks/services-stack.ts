import { CfnOutput, Duration, Stack, type StackProps } from 'aws-cdk-lib';
import type * as appscaling from 'aws-cdk-lib/aws-applicationautoscaling';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import * as scheduler from 'aws-cdk-lib/aws-scheduler';
import * as schedulerTargets from 'aws-cdk-lib/aws-scheduler-targets';
import * as ssm from 'aws-cdk-lib/aws-ssm';
import type { Construct } from 'constructs';
import { environmentOf, type Sources } from '../environment.ts';
import { grantWork } from '../grants.ts';
import { logGroupOf } from '../log-group.ts';
import { mysqlPoolSizeOf } from '../mysql-limits.ts';
import { parameterName } from '../parameter-name.ts';
import { functionsOf } from '../service-functions.ts';
import { type Service, services } from '../services.ts';
import { type Settings, taskSizeOf } from '../settings.ts';
import { addServiceContainer, fargateServiceOf, programOf, taskDefinitionOf } from '../task.ts';
import { addAlarm, errorAlarm } from '../watching/alarms.ts';
import {
  collectorConfig,
  collectorName,
  metricsNamespace,
  tracesPort,
} from '../watching/collector-config.ts';
import { type DataStack, databaseName } from './data-stack.ts';
import type { EventsStack, Queue } from './events-stack.ts';
import { type NetworkStack, servicePort } from './network-stack.ts';
import type { WebStack } from './web-stack.ts';

const namespace = 'queue-manager.internal';
/** The OpenTelemetry collector in the build of AWS. */
const collectorImage = 'public.ecr.aws/aws-observability/aws-otel-collector:v0.45.0';

/** The services as tasks, deployed one after the other in the order of their table. */
export class ServicesStack extends Stack {
  readonly cluster: ecs.Cluster;
  readonly services = new Map<string, ecs.FargateService>();
  readonly functions = new Map<string, lambda.Function>();
  readonly logGroups: logs.ILogGroup[] = [];
  /** Too many requests fail. It exists before the services, which are taken back by it. */
  readonly errorAlarm: cloudwatch.Alarm;

  constructor(
    scope: Construct,
    id: string,
    props: StackProps & {
      settings: Settings;
      network: NetworkStack;
      data: DataStack;
      events: EventsStack;
      web: WebStack;
      image: (scope: Construct) => ecs.ContainerImage;
    },
  ) {
    super(scope, id, props);
    const { settings, network, data, events, web } = props;
    const image = props.image(this);

    this.cluster = new ecs.Cluster(this, 'Cluster', {
      clusterName: `${settings.prefix}cluster`,
      vpc: network.vpc,
      containerInsightsV2: ecs.ContainerInsights.ENABLED,
      enableFargateCapacityProviders: true,
      defaultCloudMapNamespace: { name: namespace },
    });

    this.errorAlarm = addAlarm(this, settings, errorAlarm(web.loadBalancer), events.alerts);
    const sources = sourcesOf(settings, network, data, web);
    const secretOf = (name: string) =>
      storeSecrets(data)[name] ?? ecs.Secret.fromSsmParameter(this.#parameter(settings, name));

    for (const service of services) {
      const storeSecretsOfFunctions = { REDIS_TOKEN: data.redisToken };
      const context = { settings, network, data, events, sources };
      for (const [name, fn] of functionsOf(this, service, {
        ...context,
        storeSecrets: storeSecretsOfFunctions,
      })) {
        this.functions.set(name, fn);
        this.logGroups.push(fn.logGroup);
      }
    }
    let previous: Construct | undefined = [...this.functions.values()].at(-1);
    for (const service of services.filter(({ runsAs }) => runsAs === 'task')) {
      const { name } = service;
      const { definition, logging, logGroup } = taskDefinitionOf(this, name, settings);
      this.logGroups.push(logGroup);
      const container = addServiceContainer(
        definition,
        logging,
        programOf({
          image,
          program: `services/${name}/src/main.ts`,
          environment: environmentOf(service, sources),
          secretOf,
        }),
      );
      if ('MYSQL_URL' in service.env) {
        // Brings the tables up to date before the service starts: each task does, and all but the first find nothing to do.
        const migration = definition.addContainer('migrate', {
          ...programOf({
            image,
            program: 'services/queue/src/prepare-database.ts',
            environment: {
              values: {},
              addresses: {
                MYSQL_URL: mysqlAddress(data, 'MYSQL_ADMIN_USER', 'MYSQL_ADMIN_PASSWORD'),
              },
              secrets: [
                'MYSQL_ADMIN_USER',
                'MYSQL_ADMIN_PASSWORD',
                'MYSQL_APP_USER',
                'MYSQL_APP_PASSWORD',
              ],
            },
            secretOf,
          }),
          essential: false,
          logging,
        });
        container.addContainerDependencies({
          container: migration,
          condition: ecs.ContainerDependencyCondition.SUCCESS,
        });
      }
      grantWork(definition.taskRole, service, { settings, data, events });

      const isGateway = name === 'gateway';
      const fargate = fargateServiceOf(this, name, settings, {
        cluster: this.cluster,
        definition,
        securityGroup: network.groups.services,
        hasLoadBalancer: isGateway,
        errorAlarm: this.errorAlarm,
      });
      if (isGateway) fargate.attachToApplicationTargetGroup(web.gatewayTargets);
      if (previous) fargate.node.addDependency(previous);
      previous = fargate;
      this.services.set(name, fargate);
      this.#scale(service, fargate, { settings, events, web });
    }
    this.#restartWeekly();
    this.#addCollector(secretOf, props);
    this.#addOperator(image, sources, secretOf, props);
  }

  /** Takes metrics and traces of all services. Nothing depends on it. */
  #addCollector(
    secretOf: (name: string) => ecs.Secret,
    { settings, network }: { settings: Settings; network: NetworkStack },
  ): void {
    const name = collectorName;
    const { definition, logging } = taskDefinitionOf(this, name, settings);
    const metrics = logGroupOf(this, 'metrics', settings);
    definition.addContainer(name, {
      image: ecs.ContainerImage.fromRegistry(collectorImage),
      logging,
      readonlyRootFilesystem: true,
      secrets: { INTERNAL_CREDENTIAL: secretOf('INTERNAL_CREDENTIAL') },
      environment: {
        AOT_CONFIG_CONTENT: this.toJsonString(
          collectorConfig({
            region: settings.region,
            namespace,
            port: servicePort,
            logGroup: metrics.logGroupName,
          }),
        ),
      },
    });
    metrics.grantWrite(definition.taskRole);
    definition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
        resources: ['*'],
      }),
    );
    fargateServiceOf(this, name, settings, {
      cluster: this.cluster,
      definition,
      securityGroup: network.groups.services,
      hasLoadBalancer: false,
      tasks: 1,
    });
  }

  /**
   * A task that operators start and enter through Session Manager: our programs, beside the stores. The agent of the
   * session writes to the file system, so it is not read-only.
   */
  #addOperator(
    image: ecs.ContainerImage,
    sources: Sources,
    secretOf: (name: string) => ecs.Secret,
    { settings, network, data }: { settings: Settings; network: NetworkStack; data: DataStack },
  ): void {
    const { definition, logging } = taskDefinitionOf(this, 'operator', settings);
    const addresses = Object.entries(sources.addresses);
    const exports = addresses.map(([name, { address }]) => `export ${name}="${address}"`);
    const secrets = addresses.flatMap(([, address]) => address.secrets);
    definition.addContainer('operator', {
      image,
      logging,
      secrets: Object.fromEntries(secrets.map((name) => [name, secretOf(name)])),
      // A session has the variables of the container, not those of this shell: it reads them from the file.
      command: [
        'sh',
        '-ec',
        `umask 077\ncat > /tmp/stores <<EOF\n${exports.join('\n')}\ncd /app\nEOF\nsleep 3600`,
      ],
    });
    definition.taskRole.addToPrincipalPolicy(
      new iam.PolicyStatement({
        actions: ['ControlChannel', 'DataChannel'].flatMap((channel) => [
          `ssmmessages:Create${channel}`,
          `ssmmessages:Open${channel}`,
        ]),
        resources: ['*'],
      }),
    );
    const outputs = {
      Subnets: network.vpc.privateSubnets.map(({ subnetId }) => subnetId).join(','),
      SecurityGroup: network.groups.services.securityGroupId,
      MysqlHost: data.mysql.instanceEndpoint.hostname,
    };
    for (const [name, value] of Object.entries(outputs)) new CfnOutput(this, name, { value });
  }

  #parameter(settings: Settings, name: string): ssm.IStringParameter {
    const id = `Parameter-${name}`;
    return (
      (this.node.tryFindChild(id) as ssm.IStringParameter | undefined) ??
      ssm.StringParameter.fromSecureStringParameterAttributes(this, id, {
        parameterName: parameterName(settings.environment, name),
      })
    );
  }

  /** Grows on what the service is busy with, and shrinks when the processor has been idle for a while. */
  #scale(
    service: Service,
    fargate: ecs.FargateService,
    { settings, events, web }: { settings: Settings; events: EventsStack; web: WebStack },
  ): void {
    const { tasksMin, tasksMax } = taskSizeOf(settings, service.name);
    const scaling = fargate.autoScaleTaskCount({ minCapacity: tasksMin, maxCapacity: tasksMax });
    scaling.scaleOnCpuUtilization('Cpu', {
      targetUtilizationPercent: 50,
      scaleInCooldown: Duration.minutes(10),
      scaleOutCooldown: Duration.seconds(30),
    });
    const scalesOn = service.scalesOn ?? [];
    if (scalesOn.includes('requests')) {
      scaling.scaleOnRequestCount('Requests', {
        targetGroup: web.gatewayTargets,
        requestsPerTarget: requestsPerGatewayAndMinute,
      });
    }
    if (scalesOn.includes('streams')) {
      // A target rather than steps: it keeps tasks whose streams are quiet from being stopped as idle.
      scaling.scaleToTrackCustomMetric('Streams', {
        metric: new cloudwatch.Metric({
          namespace: metricsNamespace,
          metricName: 'streams_open',
          dimensionsMap: { service: service.name },
          // Over its tasks.
          statistic: 'Average',
        }),
        targetValue: streamsPerTask,
      });
    }
    if (scalesOn.includes('backlog')) {
      for (const name of service.consumes) {
        const { queue } = events.queues.get(name) as Queue;
        scaling.scaleOnMetric(`Backlog-${name}`, {
          metric: queue.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1) }),
          scalingSteps: grow(backlogMax),
          evaluationPeriods: 2,
        });
      }
    }
  }

  /**
   * Running tasks keep the password they started with. It stays valid until the second rotation after it, sixty days,
   * so a fresh start each week is early enough.
   */
  #restartWeekly(): void {
    const fargate = this.services.get('queue') as ecs.FargateService;
    new scheduler.Schedule(this, 'RestartQueue', {
      description: 'Starts the queue service anew, with the current password of MySQL',
      schedule: scheduler.ScheduleExpression.cron({ weekDay: 'TUE', hour: '10', minute: '0' }),
      target: new schedulerTargets.Universal({
        service: 'ecs',
        action: 'updateService',
        input: scheduler.ScheduleTargetInput.fromObject({
          Cluster: this.cluster.clusterName,
          Service: fargate.serviceName,
          ForceNewDeployment: true,
        }),
        policyStatements: [
          new iam.PolicyStatement({
            actions: ['ecs:UpdateService'],
            resources: [fargate.serviceArn],
          }),
        ],
      }),
    });
  }
}

/** Half of what a task of the gateway was measured to do (docs/performance.md), so that one can be lost. */
const requestsPerGatewayAndMinute = 60_000;
/** Of 10,000 that a task of the gateway or position service was measured to hold. */
const streamsPerTask = 8_000;
/** Messages in a queue before another task helps; one handles hundreds a second. */
const backlogMax = 2_000;

const grow = (from: number): appscaling.ScalingInterval[] => [
  { upper: from, change: 0 },
  { lower: from, upper: 4 * from, change: +1 },
  { lower: 4 * from, change: +3 },
];

function mysqlAddress(data: DataStack, user: string, password: string): string {
  const { hostname } = data.mysql.instanceEndpoint;
  // The name of Amazon's certificates in mysql2.
  return `mysql://$${user}:$${password}@${hostname}:3306/${databaseName}?ssl=Amazon%20RDS`;
}

/** Where each variable comes from; `config.ts` of a service says which of them it gets. */
function sourcesOf(
  settings: Settings,
  network: NetworkStack,
  data: DataStack,
  web: WebStack,
): Sources {
  const addresses = services
    .filter(({ runsAs }) => runsAs === 'task')
    .map(({ name }) => [
      `${name.toUpperCase()}_SERVICE_URL`,
      `http://${name}.${namespace}:${servicePort}`,
    ]);
  return {
    values: {
      ...Object.fromEntries(addresses),
      HOST: '0.0.0.0',
      PORT: String(servicePort),
      LOG_LEVEL: 'info',
      PUBLIC_URL: web.url,
      CORS_ORIGINS: web.url,
      // The load balancer, and the network interfaces of CloudFront.
      TRUSTED_PROXIES: network.cidr,
      MYSQL_POOL_SIZE: String(mysqlPoolSizeOf(settings)),
      REDIS_CLUSTER: 'true',
      BROKER_REDIS_CLUSTER: 'true',
      SQS_PREFIX: settings.prefix,
      DYNAMODB_PREFIX: settings.prefix,
      OTEL_EXPORTER_OTLP_ENDPOINT: `http://${collectorName}.${namespace}:${tracesPort}`,
      // CloudWatch watches the dead-letter queues.
      DEAD_LETTER_WATCH: 'false',
      MAIL_FROM: settings.mailFrom,
      FORWARD_PARAMETERS_PATH: parameterName(settings.environment, 'forwarder'),
      ...(settings.alertEmail ? { OPERATOR_EMAIL: settings.alertEmail } : {}),
    },
    addresses: {
      MYSQL_URL: {
        address: mysqlAddress(data, 'MYSQL_APP_USER', 'MYSQL_APP_PASSWORD'),
        secrets: ['MYSQL_APP_USER', 'MYSQL_APP_PASSWORD'],
      },
      REDIS_URL: {
        address: `rediss://:$REDIS_TOKEN@${data.redis.attrConfigurationEndPointAddress}:6379`,
        secrets: ['REDIS_TOKEN'],
      },
      BROKER_REDIS_URL: {
        address: `rediss://${data.brokerRedisUser}:$BROKER_REDIS_PASSWORD@${data.brokerRedis.attrClusterEndpointAddress}:6379`,
        secrets: ['BROKER_REDIS_PASSWORD'],
      },
    },
    secrets: ['SMTP_URL'],
  };
}

function storeSecrets(data: DataStack): Record<string, ecs.Secret> {
  return {
    MYSQL_ADMIN_USER: ecs.Secret.fromSecretsManager(data.mysqlAdmin, 'username'),
    MYSQL_ADMIN_PASSWORD: ecs.Secret.fromSecretsManager(data.mysqlAdmin, 'password'),
    MYSQL_APP_USER: ecs.Secret.fromSecretsManager(data.mysqlApp, 'username'),
    MYSQL_APP_PASSWORD: ecs.Secret.fromSecretsManager(data.mysqlApp, 'password'),
    REDIS_TOKEN: ecs.Secret.fromSecretsManager(data.redisToken),
    BROKER_REDIS_PASSWORD: ecs.Secret.fromSecretsManager(data.brokerRedisPassword),
  };
}
