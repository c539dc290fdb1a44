import { execFile } from 'node:child_process';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { say } from '../measure/report.ts';

/**
 * Not among the dependencies: it brings eighty packages, and needs an older OpenTelemetry than the services may use. npm
 * keeps it in its cache.
 */
const program = 'lighthouse@13.5.0';
const outputBytesMax = 100_000_000;
/** On a busy machine Lighthouse now and then asks to be run again. */
const attempts = 3;

/** Scores from 0 to 100, and the bytes of scripts over the wire. */
export type Rating = {
  performance: number;
  accessibility: number;
  bestPractices: number;
  scriptBytes: number;
  /** What costs points, by audit. */
  found: string[];
};

type Report = {
  runtimeError?: { message: string };
  categories: Record<string, { score: number | null; auditRefs: { id: string; weight: number }[] }>;
  audits: Record<
    string,
    {
      title: string;
      score: number | null;
      displayValue?: string;
      details?: { items?: { resourceType?: string; transferSize?: number }[] };
    }
  >;
};

/** Rates a page as a mid-range phone on a slow network loads it for the first time. */
export async function rate(
  url: string,
  chromium: string,
  flags: readonly string[],
): Promise<Rating> {
  const args = [
    ...['exec', '--yes', `--package=${program}`, '--', 'lighthouse', url],
    ...['--output=json', '--quiet', '--form-factor=mobile'],
    '--only-categories=performance,accessibility,best-practices',
    `--chrome-flags=${['--headless=new', ...flags].join(' ')}`,
  ];
  const env = { ...process.env, CHROME_PATH: chromium };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return ratingIn(JSON.parse(await run('npm', args, env)) as Report);
    } catch (error) {
      if (attempt === attempts) throw error;
      say(`${(error as Error).message}; trying again`);
    }
  }
}

function ratingIn({ runtimeError, categories, audits }: Report): Rating {
  if (runtimeError !== undefined) throw new Error(`Lighthouse: ${runtimeError.message}`);
  const scoreOf = (category: string) => Math.round((categories[category]?.score ?? 0) * 100);
  const requests = audits['network-requests']?.details?.items ?? [];
  const weighed = Object.values(categories).flatMap(({ auditRefs }) => auditRefs);
  return {
    performance: scoreOf('performance'),
    accessibility: scoreOf('accessibility'),
    bestPractices: scoreOf('best-practices'),
    scriptBytes: requests
      .filter(({ resourceType }) => resourceType === 'Script')
      .reduce((total, { transferSize = 0 }) => total + transferSize, 0),
    found: weighed.flatMap(({ id, weight }) => {
      const { title = id, score = null, displayValue = '' } = audits[id] ?? {};
      return weight > 0 && score !== null && score < 0.9 ? [`${title} ${displayValue}`.trim()] : [];
    }),
  };
}

function run(file: string, args: string[], env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { cwd: repositoryRoot, env, maxBuffer: outputBytesMax };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${program} failed: ${stderr.trim().split('\n').at(-1)}`));
    });
  });
}
