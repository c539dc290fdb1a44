import { Duration } from 'aws-cdk-lib';
import type * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as ec2 from 'aws-cdk-lib/aws-ec2';
import * as ecs from 'aws-cdk-lib/aws-ecs';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Construct } from 'constructs';
import type { ServiceEnvironment } from './environment.ts';
import { logGroupOf } from './log-group.ts';
import { type Settings, taskSizeOf } from './settings.ts';
import { servicePort } from './stacks/network-stack.ts';

type ProgramOptions = {
  image: ecs.ContainerImage;
  /** The program and its arguments, from the root of the repository. */
  program: string;
  environment: ServiceEnvironment;
  /** The secret of each name in `environment.secrets`. */
  secretOf: (name: string) => ecs.Secret;
};

/**
 * Container options that run a program with its environment. ECS injects whole secrets, so a shell puts addresses
 * together that hold a password; `exec` gives the signals to the program.
 */
export function programOf(options: ProgramOptions) {
  const { values, addresses, secrets } = options.environment;
  const exports = Object.entries(addresses).map(([name, address]) => `export ${name}="${address}"`);
  return {
    image: options.image,
    environment: values,
    secrets: Object.fromEntries(secrets.map((name) => [name, options.secretOf(name)])),
    command: ['sh', '-ec', [...exports, `exec node ${options.program}`].join('\n')],
    readonlyRootFilesystem: true,
  };
}

/** Exits with 0 when the service in this container is alive. */
const isAlive = `fetch('http://127.0.0.1:${servicePort}/livez').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))`;

/** A task definition of our image, with its own roles and log group. */
export function taskDefinitionOf(
  scope: Construct,
  name: string,
  settings: Settings,
): {
  definition: ecs.FargateTaskDefinition;
  logging: ecs.LogDriver;
  logGroup: logs.ILogGroup;
} {
  const { cpu, memoryMiB } = taskSizeOf(settings, name);
  const definition = new ecs.FargateTaskDefinition(scope, `${name}Task`, {
    family: `${settings.prefix}${name}`,
    cpu,
    memoryLimitMiB: memoryMiB,
    runtimePlatform: {
      cpuArchitecture: ecs.CpuArchitecture.ARM64,
      operatingSystemFamily: ecs.OperatingSystemFamily.LINUX,
    },
  });
  const logGroup = logGroupOf(scope, name, settings);
  const logging = ecs.LogDrivers.awsLogs({
    logGroup,
    streamPrefix: name,
    mode: ecs.AwsLogDriverMode.NON_BLOCKING,
  });
  return { definition, logging, logGroup };
}

/** The container of a service that listens. */
export function addServiceContainer(
  definition: ecs.FargateTaskDefinition,
  logging: ecs.LogDriver,
  program: ReturnType<typeof programOf>,
): ecs.ContainerDefinition {
  return definition.addContainer('service', {
    ...program,
    essential: true,
    logging,
    portMappings: [{ containerPort: servicePort }],
    // Each live stream is an open connection.
    ulimits: [{ name: ecs.UlimitName.NOFILE, softLimit: 65_535, hardLimit: 65_535 }],
    // Services finish their requests within ten seconds.
    stopTimeout: Duration.seconds(30),
    healthCheck: {
      command: ['CMD', 'node', '-e', isAlive],
      interval: Duration.seconds(10),
      timeout: Duration.seconds(5),
      retries: 3,
      startPeriod: Duration.seconds(60),
    },
  });
}

/** A service of tasks in the private subnets, which others reach by `http://<name>.<namespace>`. */
export function fargateServiceOf(
  scope: Construct,
  name: string,
  settings: Settings,
  options: {
    cluster: ecs.Cluster;
    definition: ecs.FargateTaskDefinition;
    securityGroup: ec2.ISecurityGroup;
    /** Behind a load balancer, tasks get this long to pass its first checks. */
    hasLoadBalancer: boolean;
    /** Takes a version back during whose deployment it begins. */
    errorAlarm?: cloudwatch.IAlarm;
    /** Without, it has to be autoscaled: a number here would undo at each deployment what autoscaling added. */
    tasks?: number;
  },
): ecs.FargateService {
  const service = new ecs.FargateService(scope, `${name}Service`, {
    serviceName: name,
    cluster: options.cluster,
    taskDefinition: options.definition,
    securityGroups: [options.securityGroup],
    vpcSubnets: { subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS },
    ...(options.tasks ? { desiredCount: options.tasks } : {}),
    // New tasks are healthy before old ones stop, and a version that does not start is taken back.
    minHealthyPercent: 100,
    maxHealthyPercent: 200,
    circuitBreaker: { enable: true, rollback: true },
    ...(options.errorAlarm
      ? {
          deploymentAlarms: {
            alarmNames: [options.errorAlarm.alarmName],
            behavior: ecs.AlarmBehavior.ROLLBACK_ON_ALARM,
          },
        }
      : {}),
    capacityProviderStrategies: [
      { capacityProvider: settings.spot ? 'FARGATE_SPOT' : 'FARGATE', weight: 1 },
    ],
    cloudMapOptions: { name, dnsTtl: Duration.seconds(5) },
    ...(options.hasLoadBalancer ? { healthCheckGracePeriod: Duration.seconds(60) } : {}),
    propagateTags: ecs.PropagatedTagSource.SERVICE,
  });
  // With its capacity providers, which are known before and forgotten after those who use them.
  service.node.addDependency(options.cluster);
  return service;
}
