import { usersTable } from '@queue-manager/contracts/users';
import type { QueueName } from '@queue-manager/events/topology';
import { services as localServices } from '@queue-manager/local-stack/system/services';
import type { Table } from '@queue-manager/service-kit/dynamo';
import type { z } from 'zod';
import { authEnv } from '../../services/auth/src/config.ts';
import { tablesOf as authTables } from '../../services/auth/src/tables.ts';
import { brokerEnv } from '../../services/broker/src/config.ts';
import { forwarderLambdaEnv } from '../../services/forwarder/src/config.ts';
import { forwarderTable } from '../../services/forwarder/src/state/table.ts';
import { gatewayEnv } from '../../services/gateway/src/config.ts';
import { mailerLambdaEnv } from '../../services/mailer/src/config.ts';
import { positionEnv } from '../../services/position/src/config.ts';
import { queueEnv } from '../../services/queue/src/config.ts';
import { userEnv } from '../../services/user/src/config.ts';
import { tablesOf as userTables } from '../../services/user/src/store/tables.ts';

export type Service = {
  name: string;
  /** Its variables, as its `config.ts` has them: what it needs is taken from there. */
  env: z.ZodRawShape;
  /** `function`: Lambda functions, which AWS starts when there is work. */
  runsAs: 'task' | 'function';
  tables: (prefix: string) => Table[];
  /** Message queues that it takes messages from, and puts its failures into the dead-letter queues of. */
  consumes: QueueName[];
  publishes: QueueName[];
  /** Functions of the service: what runs, and what starts it. */
  functions?: FunctionOf[];
  /** Names of tables of other services that it reads. */
  readsTables?: (prefix: string) => string[];
  raisesAlerts?: boolean;
  /** Reads its target and keys from Parameter Store while it runs, below `/queue-manager/<environment>/<service>`. */
  readsParameters?: boolean;
  /** Reads every dead-letter queue, to report the tasks of lost messages. */
  readsDeadLetters?: boolean;
  /** What its number of tasks follows besides the processor: requests of the load balancer, waiting messages, open streams. */
  scalesOn?: ('requests' | 'backlog' | 'streams')[];
};

export type FunctionOf = {
  name: string;
  /** The file with the handler, from the root of the repository. */
  entry: string;
  /** The name of its export. */
  handler: string;
  /** With a queue, at most its visibility time. */
  timeoutSeconds: number;
  /** Folders that it reads. */
  assets?: readonly string[];
  /** What starts it: messages, new images of a table's items, or the clock. */
  startedBy:
    | { queue: QueueName }
    | { table: (prefix: string) => string }
    | { everyMinutes: number };
};

const noTables = () => [];

/**
 * What each service needs of AWS, in the order of their deployment: a receiver before those who send to it (ADR 0012),
 * the position service before the gateway (ADR 0023), the gateway last (ADR 0004).
 */
export const services: Service[] = [
  {
    name: 'mailer',
    env: mailerLambdaEnv,
    runsAs: 'function',
    tables: noTables,
    consumes: ['mails', 'alert-mails'],
    // A mail that meets an outage is sent anew, for later.
    publishes: ['task-results', 'mails', 'alert-mails'],
    functions: (['mails', 'alert-mails'] as const).map((queue) => ({
      name: `mailer-${queue}`,
      entry: 'iac/src/functions/mailer.ts',
      handler: queue === 'mails' ? 'onMails' : 'onAlertMails',
      timeoutSeconds: 25,
      assets: [
        'services/mailer/src/lua',
        'packages/service-kit/src/lua',
        'services/mailer/src/templates',
      ],
      startedBy: { queue },
    })),
  },
  {
    name: 'forwarder',
    env: forwarderLambdaEnv,
    runsAs: 'function',
    tables: (prefix) => [forwarderTable(prefix)],
    readsTables: (prefix) => [`${prefix}${usersTable}`],
    readsParameters: true,
    raisesAlerts: true,
    consumes: ['contacts.fifo'],
    publishes: ['contacts.fifo'],
    functions: [
      {
        name: 'forwarder-stream',
        entry: 'services/forwarder/src/lambda.ts',
        handler: 'onStream',
        timeoutSeconds: 60,
        startedBy: { table: (prefix) => `${prefix}${usersTable}` },
      },
      {
        name: 'forwarder-drain',
        entry: 'services/forwarder/src/lambda.ts',
        handler: 'onSchedule',
        timeoutSeconds: 300,
        startedBy: { everyMinutes: 5 },
      },
    ],
  },
  {
    name: 'position',
    env: positionEnv,
    runsAs: 'task',
    tables: noTables,
    consumes: ['position-events'],
    publishes: [],
    scalesOn: ['backlog', 'streams'],
  },
  {
    name: 'auth',
    env: authEnv,
    runsAs: 'task',
    tables: (prefix) => Object.values(authTables(prefix)),
    consumes: ['auth-events'],
    publishes: [],
  },
  {
    name: 'user',
    env: userEnv,
    runsAs: 'task',
    tables: (prefix) => Object.values(userTables(prefix)),
    consumes: [],
    publishes: ['mails', 'queue-events', 'auth-events'],
  },
  {
    name: 'broker',
    env: brokerEnv,
    runsAs: 'task',
    tables: noTables,
    consumes: ['broker-events.fifo'],
    publishes: [],
  },
  {
    name: 'queue',
    env: queueEnv,
    runsAs: 'task',
    tables: noTables,
    consumes: ['queue-events', 'tasks', 'task-results'],
    publishes: [
      'position-events',
      'queue-events',
      'broker-events.fifo',
      'tasks',
      'task-results',
      'mails',
    ],
    readsDeadLetters: true,
    scalesOn: ['backlog'],
  },
  {
    name: 'gateway',
    env: gatewayEnv,
    runsAs: 'task',
    tables: noTables,
    consumes: [],
    publishes: [],
    scalesOn: ['requests', 'streams'],
  },
];

export const tablesOfServices = (prefix: string) =>
  services.flatMap(({ tables }) => tables(prefix));

/** The names of a service's secrets; its values are in Parameter Store. */
export function secretsOf(service: string): string[] {
  const known = localServices.find(({ name }) => name === service);
  if (known === undefined) throw new Error(`${service} is not a service of the system`);
  return ['INTERNAL_CREDENTIAL', ...known.secrets];
}
