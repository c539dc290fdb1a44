/** `npm run estimates -- FILE`: judges the model's estimates on a trace, beside the rules of existing products. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { readWholeTrace } from '@queue-manager/load/trace/trace';
import { StackError } from '@queue-manager/local-stack/stack-error';
import { parseOptions, tableLines } from '@queue-manager/local-stack/terminal';
import {
  gaveUpLateShare,
  isJudged,
  judge,
  type Prediction,
  predictWaits,
  weekOf,
} from './judge-trace.ts';
import { type Rule, ruleNames } from './rules.ts';

const help = `Usage: npm run estimates -- FILE [options]

Replays a trace through the model that the position service runs, all days in order, and compares
the estimates that guests got when they joined with how long they waited, and does the same for rules
that existing products use. Only guests that waited and were served are judged. Needs no store.

FILE is CSV, plain or gzipped, with a header and these columns; others are ignored:
  day        2026-05-29
  arrival_s  time of joining, in seconds after midnight
  wait_s     seconds until the party was called or left; 0 if it did not wait
  outcome    served (called by the host) or abandoned (left)
  priority   optional; 2 means the priority lane

Options:
  --predictions FILE  write day,arrival_s,wait_s,p10,p50,p90 of each judged guest, in the trace's order
  --json              print one JSON object and nothing else on standard output
                      (use npm run -s estimates, or npm prints lines of its own)
  --help              print this help
`;

type Arguments = { file: string; predictions: string | undefined; json: boolean };

function readArguments(): Arguments | undefined {
  const { values, positionals } = parseOptions({
    allowPositionals: true,
    options: {
      predictions: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const [file, ...others] = positionals;
  if (file === undefined || others.length > 0) {
    throw new StackError('name one FILE: npm run estimates -- FILE (see --help)');
  }
  return { file, predictions: values.predictions, json: values.json };
}

async function writePredictions(path: string, predictions: readonly Prediction[]): Promise<void> {
  const rows = predictions.filter(isJudged).map(({ arrival, model }) => {
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

function asText(predictions: readonly Prediction[]): string {
  const { guests, rules, model } = judge(predictions);
  if (guests === 0) return 'No guest waited and was served: nothing to judge.\n';
  const best = bestOf(rules);
  const firstDay = predictions.map(({ arrival }) => arrival.day).sort()[0] ?? '';
  const weeks = Map.groupBy(predictions, (guest) => weekOf(guest, firstDay));
  const lanes = Map.groupBy(predictions, ({ arrival }) =>
    arrival.isPriority ? 'priority' : 'regular',
  );
  const parts = [
    ...[...weeks].sort(([a], [b]) => a - b).map(([week, of]) => partRow(`week ${week}`, of)),
    ...[...lanes].sort(([a], [b]) => a.localeCompare(b)).map(([lane, of]) => partRow(lane, of)),
  ];
  return [
    `${guests} guests waited and were served.`,
    '',
    ...tableLines(
      [
        ['', 'mean error', 'too low', 'within 10-90'],
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
      ],
      'right',
    ),
    '',
    `The model's error is ${(model.maeSeconds / best).toFixed(3)} of the best rule's.`,
    `${percent(gaveUpLateShare(predictions))} of the guests that gave up did so after their p90.`,
    '',
    ...tableLines(
      [['', 'guests', 'mean error', 'of the best rule', 'within 10-90'], ...parts],
      'right',
    ),
    '',
  ].join('\n');
}

function partRow(title: string, predictions: readonly Prediction[]): string[] {
  const { guests, rules, model } = judge(predictions);
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

try {
  const args = readArguments();
  if (args === undefined) process.stdout.write(help);
  else {
    // npm runs scripts in the repository's root; paths are relative to where npm was called.
    const from = process.env.INIT_CWD ?? '';
    const predictions = predictWaits(await readWholeTrace(resolve(from, args.file)));
    if (args.predictions !== undefined)
      await writePredictions(resolve(from, args.predictions), predictions);
    process.stdout.write(
      args.json ? `${JSON.stringify(judge(predictions))}\n` : asText(predictions),
    );
  }
} catch (error) {
  if (!(error instanceof StackError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
