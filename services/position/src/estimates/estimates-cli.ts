/** `npm run estimates -- FILE`: a trace, through the code that the service runs, beside what products do. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { readWholeTrace } from '@queue-manager/load/trace/trace';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { gaveUpLateShare, isJudged, judge, type Told, tellGuests, weekOf } from './judge-trace.ts';
import { type Rule, ruleNames } from './rules.ts';

const help = `Usage: npm run estimates -- FILE [options]

Replays a trace through the model that the position service runs, all days in order, and compares
what guests were told when they joined with how long they waited; beside it what the rules that
products use would have told. Judged are guests who waited and were served. It needs no store.

FILE is CSV, gzipped or not, with a header and these columns; others are not looked at:
  day        2026-05-29
  arrival_s  when the party joined, in seconds after midnight
  wait_s     seconds until it was called, or until it left; 0: at once
  outcome    served (the host calls that party) or abandoned (the guest leaves)
  priority   2: the party joins the priority lane; the column may be missing

Options:
  --predictions FILE  write day,arrival_s,wait_s,p10,p50,p90 of each judged guest, in the trace's order
  --json              print one JSON object and nothing else on standard output
                      (npm prints lines of its own there unless told otherwise: npm run -s estimates)
  --help              print this
`;

type Arguments = { file: string; predictions: string | undefined; json: boolean };

function readArguments(): Arguments | undefined {
  const { values, positionals } = parsed();
  if (values.help) return undefined;
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new StackError('name one FILE: npm run estimates -- FILE (see --help)');
  }
  return { file, predictions: values.predictions, json: values.json };
}

function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        predictions: { type: 'string' },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new StackError(`${(error as Error).message.split('\n')[0]} See --help.`);
  }
}

async function writePredictions(path: string, told: readonly Told[]): Promise<void> {
  const rows = told.filter(isJudged).map(({ arrival, model }) => {
    const { day, arrivalSeconds, waitSeconds } = arrival;
    return [day, arrivalSeconds, waitSeconds, model.p10, model.p50, model.p90].join(',');
  });
  try {
    await writeFile(path, `${['day,arrival_s,wait_s,p10,p50,p90', ...rows].join('\n')}\n`);
  } catch (error) {
    throw new StackError(`cannot write ${path}: ${(error as NodeJS.ErrnoException).code}`);
  }
}

const titles: Record<Rule, string> = {
  'average-gap': 'people ahead × moving average of gaps (0.3)',
  'mean-gap': '(people ahead + 1) × mean of the last 30 gaps',
  'last-wait': "the last served guest's wait",
  'mean-wait': 'the mean of the last 30 waits',
  constant: '(people ahead + 1) × 30 s',
};

function asText(told: readonly Told[]): string {
  const { guests, rules, model } = judge(told);
  if (guests === 0) return 'Nobody waited and was served: there is nothing to judge.\n';
  const best = bestOf(rules);
  const firstDay = told.map(({ arrival }) => arrival.day).sort()[0] ?? '';
  const weeks = Map.groupBy(told, (guest) => weekOf(guest, firstDay));
  const lanes = Map.groupBy(told, ({ arrival }) => (arrival.isPriority ? 'priority' : 'regular'));
  const parts = [
    ...[...weeks].sort(([a], [b]) => a - b).map(([week, of]) => partRow(`week ${week}`, of)),
    ...[...lanes].sort(([a], [b]) => a.localeCompare(b)).map(([lane, of]) => partRow(lane, of)),
  ];
  return [
    `${guests} guests waited and were served.`,
    '',
    ...table([
      ['', 'mean error', 'told too low', 'within 10-90'],
      ...ruleNames.map((name) => [
        titles[name],
        seconds(rules[name].maeSeconds),
        percent(rules[name].tooLowShare),
        '',
      ]),
      [
        'our model',
        seconds(model.maeSeconds),
        percent(model.tooLowShare),
        percent(model.coverage80),
      ],
    ]),
    '',
    `${(model.maeSeconds / best).toFixed(3)} of the best rule's error.`,
    `${percent(gaveUpLateShare(told))} of those who gave up did after their p90 had passed.`,
    '',
    ...table([['', 'guests', 'mean error', 'of the best rule', 'within 10-90'], ...parts]),
    '',
  ].join('\n');
}

function partRow(title: string, told: readonly Told[]): string[] {
  const { guests, rules, model } = judge(told);
  if (guests === 0) return [title, '0', '', '', ''];
  const ratio = (model.maeSeconds / bestOf(rules)).toFixed(3);
  return [title, String(guests), seconds(model.maeSeconds), ratio, percent(model.coverage80)];
}

function bestOf(scores: Record<Rule, { maeSeconds: number }>): number {
  return Math.min(...ruleNames.map((name) => scores[name].maeSeconds));
}

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}

/** The first column to the left, the others to the right. */
function table(rows: string[][]): string[] {
  const widths = rows[0]?.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}

try {
  const args = readArguments();
  if (args === undefined) process.stdout.write(help);
  else {
    // npm runs scripts in the repository's folder; a path is meant from where the person stands.
    const from = process.env.INIT_CWD ?? '';
    const told = tellGuests(await readWholeTrace(resolve(from, args.file)));
    if (args.predictions !== undefined)
      await writePredictions(resolve(from, args.predictions), told);
    process.stdout.write(args.json ? `${JSON.stringify(judge(told))}\n` : asText(told));
  }
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
