import { z } from 'zod';

export const environments = ['dev', 'prod'] as const;
export type Environment = (typeof environments)[number];

/** Fargate accepts certain pairs only: https://docs.aws.amazon.com/AmazonECS/latest/developerguide/fargate-tasks-services.html */
export type TaskSize = { cpu: number; memoryMiB: number; tasksMin: number; tasksMax: number };

/** What differs between the environments: `dev` is cheap, `prod` survives the loss of a zone. */
type Scale = {
  /** A NAT instance costs a tenth of a gateway, and has to be looked after. */
  nat: 'instance' | 'gateway';
  natCount: number;
  /** Endpoints keep traffic to AWS off the NAT. Each costs 8 dollars a month in each zone. */
  interfaceEndpoints: boolean;
  mysql: { instance: string; storageGb: number; multiAz: boolean; backupDays: number };
  redis: { node: string; shards: number; replicas: number };
  brokerRedis: { node: string; replicas: number };
  tasks: TaskSize;
  /** Deviations from `tasks`, by service. */
  tasksOf: Partial<Record<string, Partial<TaskSize>>>;
  spot: boolean;
  /** Data survives `cdk destroy`, and nothing that holds data can be deleted by accident. */
  keepsData: boolean;
  logDays: number;
};

const scales: Record<Environment, Scale> = {
  dev: {
    nat: 'instance',
    natCount: 1,
    interfaceEndpoints: false,
    mysql: { instance: 't4g.small', storageGb: 20, multiAz: false, backupDays: 1 },
    redis: { node: 'cache.t4g.micro', shards: 1, replicas: 0 },
    brokerRedis: { node: 'db.t4g.small', replicas: 0 },
    tasks: { cpu: 256, memoryMiB: 512, tasksMin: 1, tasksMax: 2 },
    tasksOf: {},
    spot: true,
    keepsData: false,
    logDays: 7,
  },
  prod: {
    nat: 'gateway',
    natCount: 2,
    interfaceEndpoints: true,
    mysql: { instance: 'm7g.large', storageGb: 100, multiAz: true, backupDays: 14 },
    redis: { node: 'cache.r7g.large', shards: 1, replicas: 1 },
    brokerRedis: { node: 'db.t4g.medium', replicas: 1 },
    tasks: { cpu: 512, memoryMiB: 1024, tasksMin: 2, tasksMax: 8 },
    tasksOf: {
      gateway: { cpu: 1024, memoryMiB: 2048, tasksMax: 20 },
      queue: { cpu: 1024, memoryMiB: 2048 },
      position: { cpu: 1024, memoryMiB: 2048 },
    },
    spot: false,
    keepsData: true,
    logDays: 90,
  },
};

const Flag = z.union([z.boolean(), z.stringbool()]);

/** What the operator chooses: `npm run synth -- prod alertEmail=you@example.com`. */
const Parameters = z.strictObject({
  environment: z.enum(environments).default('dev'),
  account: z
    .string()
    .regex(/^\d{12}$/)
    .default('111111111111'),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/)
    .default('eu-west-1'),
  /** Letters of the two zones. Some accounts have no zone b, or one without the nodes of a store. */
  zones: z
    .string()
    .regex(/^[a-z],[a-z]$/)
    .default('a,b'),
  /** Recipient of alerts; must confirm the subscription once. */
  alertEmail: z.email().optional(),
  /** Sender of mails; SES must know its domain. */
  mailFrom: z.string().default('Queue Manager <no-reply@queue-manager.dev>'),
  /** An own domain in a hosted zone of Route 53. Without, the address is that of CloudFront. */
  domainName: z.string().optional(),
  hostedZoneId: z.string().optional(),
  hostedZoneName: z.string().optional(),
  /** Overrides the NAT of the environment. */
  nat: z.enum(['instance', 'gateway']).optional(),
  /** Sends logs on to OpenSearch Service: some 80 dollars a month. */
  openSearch: Flag.default(false),
});
export type Parameters = z.output<typeof Parameters>;

export type Settings = Omit<Parameters, 'nat'> &
  Scale & {
    /** Prefix of the names of stacks, queues, tables and alarms, so that environments can share an account. */
    prefix: string;
    domain: { name: string; zoneId: string; zoneName: string } | undefined;
  };

/** @throws Error that names the parameter with an invalid value. */
export function settingsFrom(context: Record<string, unknown>): Settings {
  const parsed = Parameters.safeParse(context);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.')} ${message}`);
    throw new Error(`Bad parameters: ${faults.join('; ')}`);
  }
  const { nat, ...parameters } = parsed.data;
  const scale = scales[parameters.environment];
  const { domainName, hostedZoneId, hostedZoneName } = parameters;
  const ofDomain = [domainName, hostedZoneId, hostedZoneName];
  if (ofDomain.some(Boolean) && !ofDomain.every(Boolean)) {
    throw new Error('Bad parameters: domainName, hostedZoneId and hostedZoneName go together');
  }
  return {
    ...parameters,
    ...scale,
    nat: nat ?? scale.nat,
    prefix: `qm-${parameters.environment}-`,
    domain:
      domainName && hostedZoneId && hostedZoneName
        ? { name: domainName, zoneId: hostedZoneId, zoneName: hostedZoneName }
        : undefined,
  };
}

export function taskSizeOf(settings: Settings, service: string): TaskSize {
  return { ...settings.tasks, ...settings.tasksOf[service] };
}
