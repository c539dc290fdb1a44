import { services } from '../services.ts';
import { type Environment, settingsFrom, taskSizeOf } from '../settings.ts';
import { collectorName } from '../watching/collector-config.ts';
import { hoursAMonth, type PriceName, prices } from './prices.ts';
import { loadOf, sizesOf } from './workload.ts';

export type Line = { item: string; quantity: number; price: PriceName; dollars: number };
export type Bill = { title: string; lines: Line[]; dollars: number };

const taskNames = [
  ...services.filter(({ runsAs }) => runsAs === 'task').map(({ name }) => name),
  collectorName,
];

/** Metrics that alarms look at, those of autoscaling included; each is paid for. */
const alarmMetrics = { dev: 74, prod: 82 };
/** What the collector sends, and Container Insights: about 8 a cluster, 11 a service, 6 a task definition. */
const ownMetrics = 91 + 8 + 11 * taskNames.length + 6 * taskNames.length;
/** The metrics of both pass through logs. */
const metricLogGb = 3;
/** Share of requests that are traced, as `TRACE_RATIO` has it by default. */
const traceRatio = 0.01;

export function billOf(title: string, environment: Environment, venues: number): Bill {
  const settings = settingsFrom({ environment });
  const load = loadOf(venues);
  const sizes = sizesOf(load);
  const isDev = environment === 'dev';
  const lines: Line[] = [];
  const add = (item: string, price: PriceName, quantity: number) =>
    lines.push({ item, quantity, price, dollars: quantity * prices[price].dollars });
  const hours = (count: number) => count * hoursAMonth;
  const { month } = load;

  const atPeak: Record<string, number> = isDev
    ? {}
    : { gateway: sizes.gateways, position: sizes.positions, queue: sizes.queues };
  for (const service of taskNames) {
    const { cpu, memoryMiB, tasksMin } = taskSizeOf(settings, service);
    const isSingle = isDev || service === collectorName;
    const tasks = isSingle ? Math.min(1, tasksMin) : sizes.average(atPeak[service] ?? 2);
    // Spot capacity costs about a third.
    const share = settings.spot ? 0.35 : 1;
    add(`${service}: processor`, 'fargateCpu', hours(share * tasks * (cpu / 1024)));
    add(`${service}: memory`, 'fargateMemory', hours(share * tasks * (memoryMiB / 1024)));
  }

  const zones = settings.mysql.multiAz ? 2 : 1;
  if (isDev) add('MySQL', 'mysqlSmall', hours(zones));
  else add('MySQL', 'mysqlCpu', hours(zones * sizes.mysqlCells * sizes.mysqlVcpus));
  const gb = isDev ? settings.mysql.storageGb : sizes.mysqlGb;
  add('MySQL: storage', 'mysqlStorage', zones * gb);
  const nodes = 1 + settings.redis.replicas;
  if (isDev) add('Redis of lines', 'redisMicro', hours(nodes));
  else add('Redis of lines', 'redisLarge', hours(nodes * sizes.redisShards));
  const brokerNodes = 1 + settings.brokerRedis.replicas;
  add('Redis of the broker', isDev ? 'brokerSmall' : 'brokerMedium', hours(brokerNodes));

  add('Load balancer', 'loadBalancer', hours(1));
  // One unit has 3,000 active connections, both sides counted. On average over a month, a third of the peak.
  const units = 0.3 * ((load.peak.streams * 2) / 3_000);
  add('Load balancer: capacity', 'loadBalancerUnit', hours(units));
  add(
    'Way out',
    settings.nat === 'gateway' ? 'natGateway' : 'natInstance',
    hours(settings.natCount),
  );
  add('Way out: addresses', 'publicAddress', hours(settings.natCount));
  if (settings.interfaceEndpoints) add('Endpoints', 'endpoint', hours(8 * 2));

  add('CloudFront: data', 'edgeTraffic', month.edgeGb);
  add('CloudFront: requests', 'edgeRequests', month.requests / 1e6);
  add('Firewall', 'firewall', 1);
  add('Firewall: requests', 'firewallRequests', month.requests / 1e6);

  // Consumers ask even when there is nothing: nine queues, every two seconds, from two instances.
  add(
    'Messages',
    'messages',
    (month.messageRequests + 9 * (isDev ? 1 : 2) * (hours(1) * 1_800)) / 1e6,
  );
  add('Accounts: writes', 'tableWrites', month.accountWrites / 1e6);
  // Each sign-in and refresh, and the looks of relays.
  add('Accounts: reads', 'tableReads', (hours(1) * 3_600 * 2 + month.accountWrites * 10) / 1e6);
  add('Mails: runs of the function', 'functionRuns', month.mails / 1e6);
  add('Mails', 'mails', month.mails / 1_000);

  add('Logs', 'logs', metricLogGb + month.logGb);
  add('Alarms', 'alarm', alarmMetrics[environment]);
  add('Metrics', 'metric', ownMetrics);
  add('Dashboards', 'dashboard', 2);
  add('Traces', 'traces', (traceRatio * month.requests) / 1e6);
  add('Secrets', 'secret', 4);
  add('Keys', 'key', 2);

  return { title, lines, dollars: lines.reduce((sum, { dollars }) => sum + dollars, 0) };
}

export const bills: Bill[] = [
  billOf('dev', 'dev', 0),
  billOf('one venue', 'prod', 1),
  billOf('100 venues', 'prod', 100),
  billOf('10,000 venues', 'prod', 10_000),
];
