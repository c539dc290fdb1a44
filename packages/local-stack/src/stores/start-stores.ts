import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { lockDataDir } from '../data-folder/data-dir-lock.ts';
import {
  recordAddresses,
  recordProcesses,
  removeAddresses,
} from '../data-folder/running-system.ts';
import { allOrNone } from '../processes/all-or-none.ts';
import type { SupervisedProcess } from '../processes/supervised-process.ts';
import { StackError } from '../stack-error.ts';
import { startDynamodb } from './dynamodb.ts';
import { startMail } from './mail.ts';
import { startMariadb } from './mariadb.ts';
import { startBrokerRedis, startRedis } from './redis.ts';
import { isClusterWanted, startRedisCluster } from './redis-cluster.ts';
import type { StartedStore, StoreContext } from './run-store.ts';
import { startSqs } from './sqs.ts';

export interface StoresOptions {
  /** Folder for the data of all stores; created when missing, kept when they stop. */
  dataDir: string;
  /** The user's environment: a store whose address it contains is used instead of started. */
  env?: NodeJS.ProcessEnv;
  /** Port of the inbox's web page and HTTP API; a free one by default. */
  mailPort?: number;
  /** Takes one line for each restart of a crashed store. */
  log?: (line: string) => void;
  /** Awaited once the data folder is locked, before anything is written to it. */
  onDataDir?: (dataDir: string) => void | Promise<void>;
  /** Aborts the start: everything is stopped and startStores rejects. */
  signal?: AbortSignal;
}

export interface Stores {
  /** The environment with the addresses of all stores, started and configured ones. */
  env: Record<string, string>;
  /** Address of the inbox's web page and HTTP API; undefined when SMTP_URL is set. */
  mailUrl: string | undefined;
  /** The stores started here, by name. */
  processes: Map<string, SupervisedProcess>;
  /** Records the process group of a program for npm run restart. */
  recordProcess(name: string, group: number): void;
  /** Stops all stores and releases the data folder. Never rejects. */
  stop(): Promise<void>;
}

/** `givenBy`: a store is not started when any of these variables is set. */
const kinds: {
  givenBy: string[];
  start(context: StoreContext, options: StoresOptions, region: string): Promise<StartedStore>;
}[] = [
  { givenBy: ['MYSQL_URL'], start: startMariadb },
  {
    givenBy: ['REDIS_URL'],
    start: (context) =>
      isClusterWanted(context.env) ? startRedisCluster(context) : startRedis(context),
  },
  { givenBy: ['BROKER_REDIS_URL'], start: startBrokerRedis },
  {
    givenBy: ['AWS_ENDPOINT_URL_DYNAMODB', 'AWS_ENDPOINT_URL_DYNAMODB_STREAMS'],
    start: startDynamodb,
  },
  {
    givenBy: ['AWS_ENDPOINT_URL_SQS', 'AWS_ENDPOINT_URL_SNS'],
    start: (context, _options, region) => startSqs(context, region),
  },
  {
    givenBy: ['SMTP_URL'],
    start: (context, options) => startMail(context, options.mailPort),
  },
];

/**
 * Starts all backing stores whose addresses the environment does not contain, and waits until they are ready.
 *
 * @throws StackError that says in one line what is wrong. Nothing is left running then.
 */
export async function startStores(options: StoresOptions): Promise<Stores> {
  const { env = process.env, log = () => {} } = options;
  const dataDir = resolve(options.dataDir);
  const unlock = claimDataDir(dataDir);
  const aws = awsSettings(env);
  const configured: Record<string, string> = {};
  const wanted = kinds.filter(({ givenBy }) => {
    const addresses = givenBy.filter((variable) => env[variable]);
    // When one address of a store is configured, the others default to it: a missing one would lead to AWS.
    for (const variable of givenBy) {
      const address = env[variable] || env[addresses[0] ?? ''];
      if (address) configured[variable] = address;
    }
    return addresses.length === 0;
  });
  let recordProcess: Stores['recordProcess'];
  let started: StartedStore[];
  try {
    // Left by a run that was killed.
    removeAddresses(dataDir);
    await options.onDataDir?.(dataDir);
    recordProcess = recordProcesses(dataDir);
    started = await allOrNone(
      wanted.map(
        ({ start }) =>
          (signal) =>
            start({ dataDir, env, log, onRun: recordProcess, signal }, options, aws.AWS_REGION),
      ),
      stopStore,
      options.signal,
    );
  } catch (error) {
    unlock();
    throw error;
  }

  const { MAIL_URL: mailUrl, ...addresses } = Object.assign(
    {},
    ...started.map((store) => store.environment),
  ) as Record<string, string>;
  const storesEnv = { ...aws, ...addresses, ...configured, ...parametersOf(env, dataDir) };
  recordAddresses(dataDir, storesEnv);
  return {
    env: storesEnv,
    mailUrl,
    recordProcess,
    processes: new Map(
      started.flatMap(({ processes }) => processes.map((process) => [process.name, process])),
    ),
    async stop() {
      removeAddresses(dataDir);
      await Promise.all(started.map(stopStore));
      unlock();
    },
  };
}

/** The forwarder's parameters: a folder instead of Parameter Store, and a target that may be on this machine. */
function parametersOf(env: NodeJS.ProcessEnv, dataDir: string) {
  const FORWARD_ALLOW_PRIVATE = env.FORWARD_ALLOW_PRIVATE || 'true';
  if (env.FORWARD_PARAMETERS_PATH) return { FORWARD_ALLOW_PRIVATE };
  const folder = env.FORWARD_PARAMETERS_FOLDER || join(dataDir, 'forwarder');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { FORWARD_ALLOW_PRIVATE, FORWARD_PARAMETERS_FOLDER: folder };
}

async function stopStore({ processes }: StartedStore): Promise<void> {
  await Promise.all(processes.map((process) => process.stop()));
}

function claimDataDir(dataDir: string): () => void {
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    return lockDataDir(dataDir);
  } catch (error) {
    if (error instanceof StackError) throw error;
    throw new StackError(`cannot use the data folder ${dataDir}: ${(error as Error).message}`);
  }
}

/**
 * Region and credentials for the AWS clients. The emulators do not check them, but DynamoDB Local separates tables by
 * region and access key: settings that the user has for work with AWS must not hide yesterday's data. They apply only
 * when the user gives an address.
 */
function awsSettings(env: NodeJS.ProcessEnv) {
  const isElsewhere = kinds.some(({ givenBy }) =>
    givenBy.some((variable) => variable.startsWith('AWS_') && env[variable]),
  );
  const chosen = isElsewhere ? env : {};
  return {
    AWS_REGION: chosen.AWS_REGION ?? 'eu-west-1',
    AWS_ACCESS_KEY_ID: chosen.AWS_ACCESS_KEY_ID ?? 'local',
    AWS_SECRET_ACCESS_KEY: chosen.AWS_SECRET_ACCESS_KEY ?? 'local',
    // Would override the credentials above.
    AWS_SESSION_TOKEN: chosen.AWS_SESSION_TOKEN ?? '',
    AWS_PROFILE: chosen.AWS_PROFILE ?? '',
  };
}
