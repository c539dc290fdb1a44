import { join } from 'node:path';
import { isSecret, secretsOf } from '../data-folder/secrets.ts';
import { allOrNone } from '../processes/all-or-none.ts';
import { freePort, requirePort } from '../processes/free-port.ts';
import { processesOf } from '../processes/guarded-process.ts';
import { readableLine } from '../processes/log-lines.ts';
import {
  describeExit,
  type SupervisedProcess,
  supervise,
} from '../processes/supervised-process.ts';
import { repositoryRoot } from '../repository.ts';
import { type Stores, type StoresOptions, startStores } from '../stores/start-stores.ts';
import { addressVariable, type Service, services } from './services.ts';

export interface SystemOptions extends StoresOptions {
  /** Port of the gateway; default a free one. */
  gatewayPort?: number;
  /** Address the gateway listens on; everything else listens on loopback. */
  host?: string;
  /** The services to run; default all. */
  services?: Service[];
  /** Variables for the services alone, not for the stores. */
  serviceEnv?: NodeJS.ProcessEnv | undefined;
  /** Takes every line of a service's output. */
  output?: (service: string, line: string) => void;
}

export interface System {
  /** The environment with the addresses of all stores and services, and all secrets. */
  env: Record<string, string>;
  gatewayUrl: string;
  /** Address of the inbox's web page and HTTP API; undefined when SMTP_URL is set. */
  mailUrl: string | undefined;
  /** Names of all stores and services. */
  names: string[];
  /** Ids of the running processes of a store or service. */
  pids(name: string): number[];
  /** Sends a signal to all processes of a store or service, which is restarted when it exits. */
  kill(name: string, signal: NodeJS.Signals): void;
  /** Stops a store or service in an orderly way, starts it again and waits until it is ready. */
  restart(name: string): Promise<void>;
  /** Stops the services, then the stores. Never rejects. */
  stop(): Promise<void>;
}

const gatewayName = 'gateway';

/**
 * Starts the stores (see startStores) and the services, and waits until all are ready.
 *
 * @throws StackError that says in one line what is wrong. Nothing is left running then.
 */
export async function startSystem(options: SystemOptions): Promise<System> {
  const host = options.host ?? '127.0.0.1';
  const gatewayPort = options.gatewayPort ?? (await freePort());
  const stores = await startStores({
    ...options,
    // After the lock: a second start of the same system gets the error that the folder is in use.
    async onDataDir(dataDir) {
      await requirePort(gatewayPort, 'GATEWAY_PORT', host);
      await options.onDataDir?.(dataDir);
    },
  });
  try {
    const { env, addresses } = await environment(options, stores, host, gatewayPort);
    const running = await allOrNone(
      Array.from(
        addresses,
        ([service, address]) =>
          (signal) =>
            startService(service, address, env, { ...options, host, signal }, stores.recordProcess),
      ),
      (service) => service.stop(),
      options.signal,
    );
    return assemble(env, stores, running);
  } catch (error) {
    await stores.stop();
    throw error;
  }
}

/**
 * The system's own variables and the address of each process. The variable of a service lists all of its processes.
 */
async function environment(
  options: SystemOptions,
  stores: Stores,
  host: string,
  gatewayPort: number,
): Promise<{ env: Record<string, string>; addresses: Map<Service, string> }> {
  const userEnv = options.env ?? process.env;
  // A gateway that listens on every address is reached on loopback.
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  const gatewayUrl = `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${gatewayPort}`;
  const addresses = new Map<Service, string>();
  const variables: Record<string, string> = {};
  for (const service of options.services ?? services) {
    const { name, of = name } = service;
    const url = name === gatewayName ? gatewayUrl : `http://127.0.0.1:${await freePort()}`;
    addresses.set(service, url);
    const variable = addressVariable(of);
    const others = variables[variable];
    variables[variable] = others === undefined ? url : `${others},${url}`;
  }
  const env = {
    ...stores.env,
    ...variables,
    ...secretsOf(options.dataDir),
    GATEWAY_URL: gatewayUrl,
    PUBLIC_URL: userEnv.PUBLIC_URL ?? gatewayUrl,
    MAIL_FROM: userEnv.MAIL_FROM ?? 'Queue Manager <no-reply@queue-manager.dev>',
    ...(stores.mailUrl
      ? {
          MAIL_URL: stores.mailUrl,
          OPERATOR_EMAIL: userEnv.OPERATOR_EMAIL ?? 'operator@localhost.localdomain',
        }
      : {}),
  };
  return { env, addresses };
}

async function startService(
  service: Service,
  address: string,
  env: Record<string, string>,
  options: SystemOptions & { host: string },
  recordProcess: Stores['recordProcess'],
): Promise<SupervisedProcess> {
  const { name } = service;
  const secrets = ['INTERNAL_CREDENTIAL', ...service.secrets];
  const own = Object.entries(env).filter(
    ([variable]) => !isSecret(variable) || secrets.includes(variable),
  );
  const lastLines: string[] = [];
  let lastAnswer: string | undefined;
  return supervise(
    {
      name,
      command: {
        file: process.execPath,
        args: [service.main ?? join('services', service.of ?? name, 'src/main.ts')],
        cwd: repositoryRoot,
        env: {
          ...(options.env ?? process.env),
          ...options.serviceEnv,
          ...Object.fromEntries(own),
          HOST: name === gatewayName ? options.host : '127.0.0.1',
          PORT: new URL(address).port,
          // Each service creates its missing tables and message queues.
          PROVISION: 'true',
        },
      },
      output: (line) => {
        lastLines.push(line);
        if (lastLines.length > 50) lastLines.shift();
        options.output?.(name, line);
      },
      async isReady(signal) {
        const answer = await fetch(new URL('/readyz', address), { signal });
        const { detail } = (await answer.json()) as { detail?: string };
        lastAnswer = detail;
        return answer.ok;
      },
      lastAnswer: () => lastAnswer,
      onRun: (group) => recordProcess(name, group),
      readyWithinMs: 60_000,
      // A little longer than services take to finish their pending requests.
      stopWithinMs: 12_000,
      explain: (exit) => `${name} could not start (${describeExit(exit)})${reasonIn(lastLines)}`,
    },
    options.log ?? (() => {}),
    options.signal,
  );
}

/** Why a service exited: the line with the error that it threw, or else its last line. */
function reasonIn(lines: string[]): string {
  const written = lines.filter((line) => line.trim() !== '');
  const line = written.findLast((candidate) => /^\w*Error\b/.test(candidate)) ?? written.at(-1);
  return line === undefined ? '' : `: ${readableLine(line, false).split('\n')[0]}`;
}

function assemble(
  env: Record<string, string>,
  stores: Stores,
  running: SupervisedProcess[],
): System {
  const processes = new Map([
    ...stores.processes,
    ...running.map((service) => [service.name, service] as const),
  ]);
  const named = (name: string) => {
    const process = processes.get(name);
    if (!process) throw new Error(`no store or service here is named ${name}`);
    return process;
  };
  return {
    env,
    gatewayUrl: env.GATEWAY_URL ?? '',
    mailUrl: stores.mailUrl,
    names: [...processes.keys()],
    pids(name) {
      const group = named(name).group();
      return group === undefined ? [] : processesOf(group);
    },
    kill: (name, signal) => named(name).kill(signal),
    restart: (name) => named(name).restart(),
    async stop() {
      await Promise.all(running.map((service) => service.stop()));
      await stores.stop();
    },
  };
}
