import { execFile } from 'node:child_process';
import { repositoryRoot } from '@queue-manager/local-stack/repository';
import { median, type Row, say } from '../measure/report.ts';

/**
 * Not among the dependencies: it brings eighty packages, and needs an older OpenTelemetry than the services may use. npm
 * keeps it in its cache.
 */
const program = 'lighthouse@13.5.0';
const outputBytesMax = 100_000_000;
/** On a busy machine Lighthouse now and then asks to be run again. */
const attempts = 3;

const goals = { performance: 95, accessibility: 100, bestPractices: 100 };

export type Chromium = { executablePath: string; args: string[] };

type LighthouseOptions = {
  /** A mid-range phone on slow 4G, or a desktop on a fast line. */
  device: 'mobile' | 'desktop';
  /** Where a Chromium that is signed in can be reached; by default, Lighthouse starts one. */
  port?: number;
};

/** Scores from 0 to 100, and the bytes of scripts over the wire. */
type Rating = {
  performance: number;
  accessibility: number;
  bestPractices: number;
  scriptBytes: number;
  /** What costs points, by audit. */
  found: string[];
};

/** Medians of several runs. */
export type PageRating = Rating & { page: string };

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

/** Rates a page as a browser loads it for the first time, that often. */
export async function rateOften(
  page: string,
  url: string,
  browser: Chromium,
  { runs, ...options }: LighthouseOptions & { runs: number },
): Promise<PageRating> {
  const ratings: Rating[] = [];
  for (let run = 0; run < runs; run += 1) {
    say(`Lighthouse rates the page ${page}, run ${run + 1} of ${runs} …`);
    ratings.push(await rate(url, browser, options));
  }
  const of = (name: 'performance' | 'accessibility' | 'bestPractices' | 'scriptBytes') =>
    median(ratings.map((rating) => rating[name]));
  return {
    page,
    performance: of('performance'),
    accessibility: of('accessibility'),
    bestPractices: of('bestPractices'),
    scriptBytes: of('scriptBytes'),
    found: [...new Set(ratings.flatMap(({ found }) => found))],
  };
}

async function rate(
  url: string,
  browser: Chromium,
  { device, port }: LighthouseOptions,
): Promise<Rating> {
  const args = [
    ...['exec', '--yes', `--package=${program}`, '--', 'lighthouse', url],
    ...['--output=json', '--quiet'],
    device === 'desktop' ? '--preset=desktop' : '--form-factor=mobile',
    '--only-categories=performance,accessibility,best-practices',
    port === undefined
      ? `--chrome-flags=${['--headless=new', ...browser.args].join(' ')}`
      : `--port=${port}`,
  ];
  const env = { ...process.env, CHROME_PATH: browser.executablePath };
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

export function ratingRows(
  { page, scriptBytes, found, ...scores }: PageRating,
  scriptKilobytesMax: number,
): Row[] {
  const kilobytes = scriptBytes / 1_000;
  const row = (what: string, score: number, goal: number): Row => ({
    what: `${page}: Lighthouse, ${what}`,
    measured: `${score}`,
    goal: `≥ ${goal}`,
    isReached: score >= goal,
  });
  return [
    row('performance', scores.performance, goals.performance),
    row('accessibility', scores.accessibility, goals.accessibility),
    row('best practices', scores.bestPractices, goals.bestPractices),
    {
      what: `${page}: scripts over the wire`,
      measured: `${kilobytes.toFixed(1)} kB`,
      goal: `≤ ${scriptKilobytesMax} kB`,
      isReached: kilobytes <= scriptKilobytesMax,
    },
    ...found.map((measured): Row => ({ what: `${page}: costs points`, measured })),
  ];
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
