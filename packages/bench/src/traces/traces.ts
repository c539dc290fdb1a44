/** `npm run bench -- traces`: what tracing costs a position read through the gateway. */
import { once } from 'node:events';
import { cpSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import {
  makeTemporaryDataDir,
  removeDataDir,
} from '@queue-manager/local-stack/data-folder/temporary-data-dir';
import { services } from '@queue-manager/local-stack/system/services';
import { type System, startSystem } from '@queue-manager/local-stack/system/system';
import { bytesToUuid } from '@queue-manager/service-kit/ids';
import { openLiveSystem } from '../live/live-system.ts';
import type { LoadResult } from '../measure/http-load-worker.ts';
import { median, type Row, say } from '../measure/report.ts';
import { runBench } from '../measure/run-bench.ts';
import { readMetric } from '../measure/running-system.ts';
import { unlimited } from '../measure/unlimited.ts';
import { startWorker } from '../measure/worker.ts';
import { switchMs } from './switch-sampling.ts';

const help = `Usage: npm run bench -- traces [options]

Measures position reads with 64 connections through a gateway and a position service without traces,
with 1 % of the requests traced, and with all; alternating, for several rounds. Their stores are the
same, and so is the collector, which discards everything. The processes that trace 1 % are also
measured while they trace nothing: processes of the same program differ by more than that.

Options:
  --rounds N   number of rounds; default 8
  --seconds N  duration of each measurement; default 3
`;

const connections = 64;
const waiting = 1_000;
/** The compiler of a process is busy for the first seconds of its load. */
const warmUpSeconds = 6;
const ratios = { off: null, '1 %': '0.01', 'all requests': '1' } as const;
type SystemName = keyof typeof ratios;
/** `none of 1 %`: the system that traces 1 % while it samples nothing. */
const variants = ['off', 'none of 1 %', '1 %', 'all requests'] as const;
type Variant = (typeof variants)[number];
const systemOf = (variant: Variant): SystemName => (variant === 'none of 1 %' ? '1 %' : variant);
const switchSampling = `--import ${new URL('switch-sampling.ts', import.meta.url)}`;
/** CPU time that 1 % may add. */
const costMax = 1.05;

/** `cpuMs`: of gateway and position service, per read. */
type Sample = { perSecond: number; cpuMs: number };
type Round = Record<Variant, Sample>;
type Options = { rounds: number; seconds: number };

async function measure({ rounds, seconds }: Options): Promise<Round[]> {
  const collector = createServer((request, response) => {
    request.resume().on('end', () => response.end('{}'));
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const folders = [makeTemporaryDataDir('queue-manager-bench-traces-')];
  const neverSample = join(folders[0] as string, 'never-sample');
  const systems = new Map<SystemName, System>();
  const load = await startWorker('packages/bench/src/measure/http-load-worker.ts', {});
  try {
    for (const name of Object.keys(ratios) as SystemName[]) {
      const dataDir = makeTemporaryDataDir('queue-manager-bench-traces-');
      folders.push(dataDir);
      const [first] = systems.values();
      // The same secrets, so that all accept the same tickets.
      if (first) cpSync(join(folders[1] as string, 'secrets.json'), join(dataDir, 'secrets.json'));
      const ratio = ratios[name];
      systems.set(
        name,
        await startSystem({
          dataDir,
          env: { ...process.env, ...first?.env, ...unlimited },
          serviceEnv:
            ratio === null
              ? {}
              : {
                  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
                  TRACE_RATIO: ratio,
                  NODE_OPTIONS: switchSampling,
                  NEVER_SAMPLE: neverSample,
                },
          // The others share all other services with the first.
          ...(first ? { services: services.filter(({ name }) => isMeasured(name)) } : {}),
        }),
      );
    }
    Object.assign(process.env, systems.get('off')?.env);
    const live = await openLiveSystem();
    try {
      const { id: queueId } = await live.createLine();
      await live.fillLine(queueId, waiting);
      const numbers = Array.from({ length: connections }, (_, at) => 1 + at * 15);
      const paths = (await live.partyIdsByNumber(queueId, numbers)).map(
        (id) => `/v1/positions/${live.ticketOf(queueId, bytesToUuid(id))}`,
      );
      await live.project(paths[0] as string);

      const read = async (variant: Variant, duration: number): Promise<Sample> => {
        const { env, gatewayUrl } = systems.get(systemOf(variant)) as System;
        if (variant === 'none of 1 %') writeFileSync(neverSample, '');
        else rmSync(neverSample, { force: true });
        await delay(4 * switchMs);
        const cpuSeconds = async () => {
          const urls = [gatewayUrl, env.POSITION_SERVICE_URL as string];
          const used = await Promise.all(
            urls.map((url) => readMetric(url, 'process_cpu_seconds_total')),
          );
          return used.reduce((sum, one) => sum + one, 0);
        };
        const before = await cpuSeconds();
        const { refused, perSecond } = (await load.ask('run', {
          ...{ baseUrl: gatewayUrl, connections, seconds: duration },
          ...{ method: 'GET', paths, headers: {} },
        })) as LoadResult;
        if (refused > 0) throw new Error(`${variant}: ${refused} reads were refused`);
        const used = (await cpuSeconds()) - before;
        return { perSecond, cpuMs: (1_000 * used) / (perSecond * duration) };
      };
      say('warming up …');
      for (const variant of variants) await read(variant, warmUpSeconds);
      const taken: Round[] = [];
      for (let round = 1; round <= rounds; round += 1) {
        const result = {} as Round;
        // The order alternates, since the machine's speed varies.
        const order = round % 2 === 0 ? variants.toReversed() : variants;
        for (const variant of order) result[variant] = await read(variant, seconds);
        taken.push(result);
        say(
          `round ${round}: ${variants
            .map((variant) => `${variant} ${(1_000 * result[variant].cpuMs).toFixed(0)} µs`)
            .join(', ')}`,
        );
      }
      return taken;
    } finally {
      await live.close();
    }
  } finally {
    await load.stop();
    for (const system of [...systems.values()].reverse()) await system.stop();
    for (const folder of folders) removeDataDir(folder);
    collector.closeAllConnections();
    collector.close();
  }
}

const isMeasured = (service: string) => service === 'gateway' || service === 'position';

function rows(rounds: readonly Round[]): Row[] {
  return variants.map((variant) => {
    const of = (key: keyof Sample) => median(rounds.map((round) => round[variant][key]));
    const base = variant === '1 %' ? 'none of 1 %' : 'off';
    const cost = median(rounds.map((round) => round[variant].cpuMs / round[base].cpuMs));
    return {
      what: `position reads, traced: ${variant}`,
      measured: `${of('perSecond').toFixed(0)} per second; CPU ${(1_000 * of('cpuMs')).toFixed(0)} µs per read: ${cost.toFixed(3)} of ${base}`,
      ...(variant === '1 %' ? { goal: `≤ ${costMax}`, isReached: cost <= costMax } : {}),
    };
  });
}

await runBench<Options, { rounds: Round[] }>({
  help,
  defaults: { rounds: '8', seconds: '3' },
  read: ({ number }) => ({ rounds: number('rounds', 1), seconds: number('seconds', 1) }),
  measure: async (options) => ({ rounds: await measure(options) }),
  rows: ({ rounds }) => rows(rounds),
});
