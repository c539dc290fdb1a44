import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';
import { currentLoad, describeMachine, type Machine, type Row, rowsAsText, say } from './report.ts';

export type Arguments = {
  /** @throws TypeError when the option is not a whole number of at least `min`. */
  number(option: string, min: number): number;
  text(option: string): string | undefined;
};

export type Bench<Options, Result> = {
  help: string;
  /** Options with a value, by name, with their default. */
  defaults: Record<string, string | undefined>;
  /** @throws an Error whose message tells in one line which option is wrong. */
  read(args: Arguments): Options;
  measure(options: Options): Promise<Result>;
  rows(result: Result): Row[];
};

const tail = `  --json       print one JSON object and nothing else on standard output
               (npm prints lines of its own there unless told otherwise: npm run -s bench)
  --help       print this

Exit code: 0 when every goal was reached, 1 when not.
`;

/** Runs a benchmark as a program: reads its options, measures, prints the result and sets the exit code. */
export async function runBench<Options, Result extends object & { machine?: object }>(
  bench: Bench<Options, Result>,
): Promise<void> {
  let options: Options;
  let json: boolean;
  try {
    const { values, help } = parse(bench.defaults);
    if (help) {
      process.stdout.write(bench.help + tail);
      return;
    }
    json = values.json === true;
    options = bench.read(argumentsOf(values));
  } catch (error) {
    say(`${(error as Error).message.split('\n')[0]} See --help.`);
    process.exitCode = 1;
    return;
  }
  const loadBefore = currentLoad();
  const result = await bench.measure(options);
  const rows = bench.rows(result);
  const machine = describeMachine(loadBefore);
  process.stdout.write(
    json
      ? `${JSON.stringify({ ...result, machine: { ...machine, ...result.machine } })}\n`
      : `${machineAsText(machine)}\n\n${rowsAsText(rows)}\n`,
  );
  process.exitCode = rows.every(({ isReached = true }) => isReached) ? 0 : 1;
}

type Values = Record<string, string | boolean | undefined>;

function parse(defaults: Record<string, string | undefined>): { values: Values; help: boolean } {
  const options: ParseArgsOptionsConfig = {
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  };
  for (const [name, value] of Object.entries(defaults)) {
    options[name] = { type: 'string', ...(value === undefined ? {} : { default: value }) };
  }
  const values = parseArgs({ options }).values as Values;
  return { values, help: values.help === true };
}

function argumentsOf(values: Values): Arguments {
  return {
    number(option, min) {
      const value = Number(values[option]);
      if (Number.isInteger(value) && value >= min) return value;
      throw new TypeError(`--${option} must be a whole number, ${min} or more.`);
    },
    text: (option) => values[option] as string | undefined,
  };
}

function machineAsText({ cores, model, memoryGb, node, loadBefore, loadAfter }: Machine): string {
  return `${cores} cores, ${model}, ${memoryGb} GB; Node ${node}; load ${loadBefore.toFixed(1)} before, ${loadAfter.toFixed(1)} after`;
}
